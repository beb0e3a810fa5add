internal import Crypto
internal import Market
package import Transport

/// Objects of S3 and of servers like it.
///
/// Whatever may succeed later is tried again; each request is signed anew.
package struct S3Client: Sendable {
  package struct Options: Sendable {
    package var addressing: Addressing
    package var backoff: Backoff
    /// Of one attempt of one request.
    package var timeoutSeconds: Double
    /// Of what is sent or fetched in one request: at least 5 MiB, which is the least that S3 takes as a part.
    package var partBytes: Int

    package enum Addressing: Sendable {
      /// In the host's name at AWS, in the path for endpoints of one's own and for buckets with dots.
      case automatic
      case path
      case virtualHost
    }

    package init(
      addressing: Addressing = .automatic, backoff: Backoff = .init(), timeoutSeconds: Double = 120,
      partBytes: Int = 16 << 20
    ) {
      (self.addressing, self.backoff, self.timeoutSeconds) = (addressing, backoff, timeoutSeconds)
      self.partBytes = min(max(partBytes, 5 << 20), 1 << 30)
    }
  }

  let link: CloudLink
  let options: Options

  package init(_ http: HTTPClient, _ access: CloudAccess, _ surroundings: Surroundings, _ options: Options = .init()) {
    self.options = options
    link = CloudLink(
      http: http, access: access, service: .s3, surroundings: surroundings, backoff: options.backoff,
      timeoutSeconds: options.timeoutSeconds)
  }

  // MARK: Requests

  private func isVirtual(_ bucket: String) -> Bool {
    switch options.addressing {
    case .path: false
    case .virtualHost: true
    // A certificate's wildcard stands for one label, so TLS fails for a bucket with dots.
    case .automatic: !link.access.isOverridden(.s3) && !bucket.contains(".")
    }
  }

  func send(
    _ request: CloudRequest, _ object: S3Location, action: String, mayHideError: Bool = false
  ) async throws(CloudError) -> HTTPAnswer {
    guard !object.key.isEmpty else { throw .invalid("\(object): an object has a key") }
    return try await send(
      request, bucket: object.bucket, key: object.key, about: .object(object, action: action),
      mayHideError: mayHideError)
  }

  func send(
    _ request: CloudRequest, bucket: String, action: String
  ) async throws(CloudError) -> HTTPAnswer {
    try await send(request, bucket: bucket, key: "", about: .bucket(bucket, action: action), mayHideError: false)
  }

  private func send(
    _ request: CloudRequest, bucket: String, key: String, about subject: CloudSubject, mayHideError: Bool
  ) async throws(CloudError) -> HTTPAnswer {
    let endpoint = link.access.endpoint(.s3)
    var request = request
    let isVirtual = isVirtual(bucket)
    request.path = isVirtual ? "/\(key)" : key.isEmpty ? "/\(bucket)" : "/\(bucket)/\(key)"
    return try await link.send(
      request, about: subject, at: isVirtual ? endpoint.below(bucket) : endpoint, mayHideError: mayHideError)
  }

  // MARK: Buckets

  /// Throws if the bucket is not there, not in this region or not ours to see.
  package func check(bucket: String) async throws(CloudError) {
    let bucket = try S3Location(bucket: bucket, key: "").bucket
    _ = try await send(CloudRequest(method: "HEAD"), bucket: bucket, action: "s3:ListBucket")
  }

  /// In the region of this client.
  package func createBucket(_ bucket: String) async throws(CloudError) {
    let bucket = try S3Location(bucket: bucket, key: "").bucket
    let region = link.access.region
    let body =
      region == "us-east-1"
      ? ""
      : "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        + "<LocationConstraint>\(region)</LocationConstraint></CreateBucketConfiguration>"
    _ = try await send(
      CloudRequest(method: "PUT", body: Array(body.utf8)), bucket: bucket, action: "s3:CreateBucket")
  }

  // MARK: Objects

  /// `nil` if there is none: this call does not tell a missing bucket from a missing key, and without the permission to
  /// list the bucket a missing key is an `accessDenied`.
  package func head(_ object: S3Location) async throws(CloudError) -> S3Object? {
    do throws(CloudError) {
      let answer = try await send(CloudRequest(method: "HEAD"), object, action: "s3:GetObject")
      guard let bytes = answer.headers["content-length"].flatMap({ Int($0) }), bytes >= 0 else {
        throw .malformed(.s3, "HEAD of \(object) without a length")
      }
      return S3Object(answer, bytes: bytes)
    } catch .noSuchKey {
      return nil
    } catch {
      throw error
    }
  }

  /// Up to 5 GiB in one request; `upload` is better from some dozens of MiB on.
  package func put(
    _ bytes: [UInt8], to object: S3Location, mode: S3WriteMode = .replace,
    contentType: String = "application/octet-stream"
  ) async throws(CloudError) -> S3Written {
    let sha256 = SHA256.hexDigest(of: bytes)
    var request = CloudRequest(
      method: "PUT", headers: [("Content-Type", contentType), (S3Object.sha256Header, sha256)], body: bytes)
    if mode == .createOnly { request.headers.append(("If-None-Match", "*")) }
    do throws(CloudError) {
      let answer = try await send(request, object, action: "s3:PutObject")
      return S3Written(etag: answer.headers["etag"] ?? "", isNew: true)
    } catch .alreadyExists {
      // It may be an attempt of ours whose answer was lost.
      guard let there = try await head(object), there.sha256 == sha256 else { throw .alreadyExists(object) }
      return S3Written(etag: there.etag, isNew: false)
    } catch {
      throw error
    }
  }

  /// That there was none is no error.
  package func delete(_ object: S3Location) async throws(CloudError) {
    do throws(CloudError) {
      _ = try await send(CloudRequest(method: "DELETE"), object, action: "s3:DeleteObject")
    } catch .noSuchKey {
      return
    } catch {
      throw error
    }
  }
}

extension S3Object {
  static let sha256Header = "X-Amz-Meta-Sha256"

  init(_ answer: HTTPAnswer, bytes: Int) {
    self.bytes = bytes
    etag = answer.headers["etag"] ?? ""
    modified = answer.headers["last-modified"].flatMap { Timestamp(httpDate: $0) }
    sha256 = answer.headers[Self.sha256Header].flatMap { $0.isSHA256 ? $0.lowercased() : nil }
  }
}

extension String {
  var isSHA256: Bool { utf8.count == 64 && utf8.allSatisfy { $0.hexadecimalValue != nil } }
}
