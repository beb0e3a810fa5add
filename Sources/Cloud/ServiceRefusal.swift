internal import Market
internal import Transport

/// What a service said instead of doing it.
struct ServiceRefusal: Sendable {
  let status: Int
  /// Without a name space; empty if the answer has none.
  let code: String
  let message: String
  /// Where the bucket is, if that is the trouble.
  let region: String?
  /// The service's clock.
  let time: Timestamp?

  /// `nil` if the answer is what was asked for.
  ///
  /// - Parameter mayHideError: the body of a success can be an error too, as S3's is after long work.
  init?(_ answer: HTTPAnswer, _ service: CloudService, mayHideError: Bool = false) {
    let isSuccess = (200..<300).contains(answer.status)
    guard !isSuccess || mayHideError else { return nil }
    let said = service == .s3 ? Self.readXML(answer.body) : Self.readJSON(answer)
    guard !isSuccess || said.isError else { return nil }
    (status, code, message) = (answer.status, said.code, said.message)
    region = answer.headers["x-amz-bucket-region"] ?? said.region
    time = answer.headers["date"].flatMap { Timestamp(httpDate: $0) }
  }

  private struct Said {
    var isError = false
    var code = ""
    var message = ""
    var region: String?
  }

  private static func readXML(_ body: [UInt8]) -> Said {
    guard let root = XMLElement(parsing: body), root.name == "Error" else { return Said() }
    return Said(
      isError: true, code: (root["Code"]?.text ?? "").shown(100), message: (root["Message"]?.text ?? "").shown(300),
      region: root["Region"].map { $0.text.shown(64) })
  }

  private static func readJSON(_ answer: HTTPAnswer) -> Said {
    let tree = JSONTree(parsing: answer.body)
    let type = tree?["__type"]?.text ?? answer.headers["x-amzn-errortype"] ?? ""
    // Such as com.amazonaws.kinesis.v20131202#ResourceNotFoundException:http://…
    let name = type.split(separator: "#").last?.prefix { $0 != ":" } ?? ""
    let message = tree?["message"]?.text ?? tree?["Message"]?.text ?? ""
    return Said(isError: !name.isEmpty, code: String(name).shown(100), message: message.shown(300))
  }

  // MARK: Meaning

  var isThrottling: Bool { status == 429 || Self.throttlingCodes.contains(code) }

  /// The same request may succeed later.
  var isTransient: Bool {
    isThrottling || Self.transientCodes.contains(code) || [500, 502, 503, 504].contains(status)
  }

  private static let throttlingCodes: Set = [
    "SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
    "RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "LimitExceededException",
    "ProvisionedThroughputExceededException", "KMSThrottlingException", "BandwidthLimitExceeded",
  ]
  private static let transientCodes: Set = [
    "InternalError", "InternalFailure", "InternalFailureException", "InternalServiceError", "ServiceUnavailable",
    "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException", "OperationAborted",
  ]
  private static let credentialCodes: Set = [
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSignatureException", "UnrecognizedClientException",
    "InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "InvalidToken", "IncompleteSignature",
    "IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
    "TokenRefreshRequired",
  ]
  private static let accessCodes: Set = [
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem", "KMSAccessDeniedException",
    "UnauthorizedAccess", "NotAuthorized",
  ]

  private var isClockSkew: Bool {
    code == "RequestTimeTooSkewed" || code == "RequestExpired"
      || code == "InvalidSignatureException"
        && (message.contains("expired") || message.contains("not yet current"))
  }

  private func isWrongRegion(_ used: String) -> Bool {
    if status == 301 || code == "PermanentRedirect" { return true }
    if code == "AuthorizationHeaderMalformed" { return region.map { $0 != used } ?? false }
    return status == 400 && code.isEmpty && region.map { $0 != used } ?? false
  }

  /// - Parameters:
  ///   - now: when the request was signed.
  ///   - attempts: made so far.
  func error(_ subject: CloudSubject, region used: String, now: Timestamp, attempts: Int) -> CloudError {
    let service = subject.service
    if isClockSkew {
      let ahead = time.map { Int((now.microseconds - $0.microseconds) / 1_000_000) }
      return .clockSkew(service, secondsAhead: ahead)
    }
    if isWrongRegion(used) {
      let actual = region.flatMap { $0 == used ? nil : $0 }
      return .wrongRegion(resource: subject.place, used: used, actual: actual)
    }
    if isThrottling { return .throttled(service, resource: subject.name, attempts: attempts) }
    if Self.credentialCodes.contains(code) { return .badCredentials(service, code: code, message: message) }
    if Self.accessCodes.contains(code) || status == 403 && code.isEmpty {
      return .accessDenied(service, action: subject.action, resource: subject.name, message: message)
    }
    return missing(subject)
      ?? .refused(
        service, status: status, code: code.isEmpty ? "no reason given" : code, message: message,
        resource: "\(subject.action) on \(subject.name)")
  }

  private func missing(_ subject: CloudSubject) -> CloudError? {
    switch (code, subject) {
    case ("NoSuchBucket", .bucket(let bucket, _)): .noSuchBucket(bucket)
    case ("NoSuchBucket", .object(let object, _)): .noSuchBucket(object.bucket)
    case ("NoSuchKey", .object(let object, _)): .noSuchKey(object)
    case ("", .bucket(let bucket, _)) where status == 404: .noSuchBucket(bucket)
    case ("", .object(let object, _)) where status == 404: .noSuchKey(object)
    case (_, .object(let object, action: "s3:GetObject")) where status == 412: .changed(object)
    case (_, .object(let object, _)) where status == 412: .alreadyExists(object)
    case ("ResourceNotFoundException", .stream(let stream, _)): .noSuchStream(stream)
    default: nil
    }
  }
}

/// What a request is about, for messages.
enum CloudSubject: Sendable {
  case bucket(String, action: String)
  case object(S3Location, action: String)
  case stream(String, action: String)
  case metrics(namespace: String)

  var service: CloudService {
    switch self {
    case .bucket, .object: .s3
    case .stream: .kinesis
    case .metrics: .cloudWatch
    }
  }

  /// The permission that it takes.
  var action: String {
    switch self {
    case .bucket(_, let action), .object(_, let action), .stream(_, let action): action
    case .metrics: "cloudwatch:PutMetricData"
    }
  }

  var name: String {
    switch self {
    case .bucket(let bucket, _): "bucket \(bucket)"
    case .object(let object, _): object.description
    case .stream(let stream, _): "stream \(stream)"
    case .metrics(let namespace): "namespace \(namespace)"
    }
  }

  /// What has a region.
  var place: String {
    guard case .object(let object, _) = self else { return name }
    return "bucket \(object.bucket)"
  }
}

extension String {
  /// For messages: one line of a limited length.
  func shown(_ longest: Int) -> String {
    String(String.UnicodeScalarView(unicodeScalars.prefix(longest).map { $0.value < 0x20 ? " " : $0 }))
  }
}

extension Timestamp {
  /// The form of HTTP's `Date`: `Sat, 21 Nov 2026 13:49:10 GMT`.
  init?(httpDate text: String) {
    let words = text.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])),
      words[1].utf8.count == 2
    else { return nil }
    let number = (month < 9 ? "0" : "") + String(month + 1)
    self.init("\(words[3])-\(number)-\(words[1])T\(words[4])Z")
  }
}
