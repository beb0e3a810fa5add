package import Transport

/// Why a service did not do what was asked: what, where, and what to do. Never holds a credential.
package enum CloudError: Error, Hashable, Sendable {
  /// Nothing came back, after all attempts.
  case unreachable(CloudService, endpoint: String, TransportError)
  case cancelled(CloudService)
  /// It cannot be sent as it is.
  case invalid(String)

  /// The key is unknown, the signature is wrong or the session has ended.
  case badCredentials(CloudService, code: String, message: String)
  /// The credentials are good but may not do this.
  case accessDenied(CloudService, action: String, resource: String, message: String)
  /// - Parameter secondsAhead: of this machine; `nil` if the service did not tell its time.
  case clockSkew(CloudService, secondsAhead: Int?)
  /// - Parameter actual: where it is, if the service tells.
  case wrongRegion(resource: String, used: String, actual: String?)
  /// Too many requests or too many bytes, after all attempts.
  case throttled(CloudService, resource: String, attempts: Int)

  case noSuchBucket(String)
  case noSuchKey(S3Location)
  /// It was to be created and is there.
  case alreadyExists(S3Location)
  /// It was replaced while it was read.
  case changed(S3Location)
  case tooLarge(S3Location, bytes: Int, limit: Int)
  /// The bytes are not those that were put there.
  case damaged(S3Location, expected: String, got: String)

  case noSuchStream(String)
  /// Iterators live five minutes.
  case expiredIterator(shard: String)

  /// The service said no in another way.
  case refused(CloudService, status: Int, code: String, message: String, resource: String)
  /// What came back is not an answer of this service.
  case malformed(CloudService, String)
}

extension CloudError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreachable(let service, let endpoint, let error): "\(service.title) at \(endpoint): \(error)"
    case .cancelled(let service): "\(service.title): cancelled"
    case .invalid(let reason): reason
    case .badCredentials(let service, let code, let message):
      "\(service.title) does not know these credentials (\(code): \(message)): check AWS_ACCESS_KEY_ID, "
        + "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile"
    case .accessDenied(let service, let action, let resource, let message):
      "\(service.title) does not allow \(action) on \(resource): give these credentials that permission"
        + (message.isEmpty ? "" : " (\(message))")
    case .clockSkew(let service, let seconds):
      "\(service.title) refuses the request's time: "
        + (seconds.map { "this machine's clock is \(abs($0)) s \($0 >= 0 ? "ahead" : "behind"); " } ?? "")
        + "set this machine's clock, for example with chrony"
    case .wrongRegion(let resource, let used, let actual):
      "\(resource) is not in region \(used)"
        + (actual.map { " but in \($0): set AWS_REGION=\($0)" } ?? ": set AWS_REGION to the region it was made in")
    case .throttled(let service, let resource, let attempts):
      "\(service.title) slowed \(resource) down \(attempts) times: send less at once"
        + (service == .kinesis ? ", or give the stream more shards" : "")
    case .noSuchBucket(let bucket): "there is no bucket \(bucket): check its name, or make it"
    case .noSuchKey(let object): "\(object) does not exist"
    case .alreadyExists(let object): "\(object) exists already and is not replaced"
    case .changed(let object): "\(object) was replaced while it was read: read it again"
    case .tooLarge(let object, let bytes, let limit): "\(object) has \(bytes) bytes, at most \(limit) are read"
    case .damaged(let object, let expected, let got):
      "\(object) is damaged: its SHA-256 is \(got), written was \(expected)"
    case .noSuchStream(let stream):
      "there is no stream \(stream) in this region and account: check its name, or make it"
    case .expiredIterator(let shard): "the iterator of \(shard) has expired"
    case .refused(let service, let status, let code, let message, let resource):
      "\(service.title) refused \(resource): status \(status), \(code): \(message)"
    case .malformed(let service, let reason):
      "\(service.title) answered something else than expected: \(reason); is the endpoint right?"
    }
  }
}
