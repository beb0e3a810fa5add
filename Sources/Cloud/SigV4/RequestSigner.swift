internal import Crypto
internal import Market

/// Signs requests by version 4 of AWS's scheme: HMAC-SHA256 over the request in canonical form, with a key made of the
/// secret, the day, the region and the service.
///
/// It is ours because libcurl's leaves the query unsorted and the path unencoded.
package struct RequestSigner: Sendable {
  package let credentials: CloudCredentials
  package let region: String
  package let service: String

  package init(_ credentials: CloudCredentials, region: String, service: String) {
    (self.credentials, self.region, self.service) = (credentials, region, service)
  }

  /// What is to be sent beside the request's own headers.
  ///
  /// - Parameter host: as it will stand in the `Host` header, with a port that is not the scheme's own.
  func headers(for request: CloudRequest, host: String, at time: Timestamp) -> [(name: String, value: String)] {
    let payloadHash = SHA256.hexDigest(of: request.body)
    var added = [("X-Amz-Date", time.signingText)]
    if service == "s3" { added.append(("X-Amz-Content-Sha256", payloadHash)) }
    if let token = credentials.sessionToken { added.append(("X-Amz-Security-Token", token.reveal())) }
    let canonical = CanonicalRequest(
      method: request.method, path: canonicalPath(request.path), query: request.query,
      headers: request.headers + added + [("Host", host)], payloadHash: payloadHash)
    return added + [("Authorization", authorization(of: canonical, at: time))]
  }

  func authorization(of canonical: CanonicalRequest, at time: Timestamp) -> String {
    "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyId)/\(scope(at: time)), "
      + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature(of: canonical, at: time))"
  }

  func signature(of canonical: CanonicalRequest, at time: Timestamp) -> String {
    let text = stringToSign(canonical, at: time)
    return HMACSHA256.code(of: Array(text.utf8), key: signingKey(at: time)).hexadecimal
  }

  func stringToSign(_ canonical: CanonicalRequest, at time: Timestamp) -> String {
    let hash = SHA256.hexDigest(of: Array(canonical.text.utf8))
    return ["AWS4-HMAC-SHA256", time.signingText, scope(at: time), hash].joined(separator: "\n")
  }

  /// 32 bytes, good for a day.
  func signingKey(at time: Timestamp) -> [UInt8] {
    let secret = Array("AWS4\(credentials.secretAccessKey.reveal())".utf8)
    return [time.signingDay, region, service, "aws4_request"].reduce(secret) { key, part in
      HMACSHA256.code(of: Array(part.utf8), key: key)
    }
  }

  private func scope(at time: Timestamp) -> String { "\(time.signingDay)/\(region)/\(service)/aws4_request" }

  /// S3 signs the path as it is sent, all other services sign it encoded once more.
  private func canonicalPath(_ path: String) -> String {
    let sent = path.percentEncoded(keepingSlash: true)
    return service == "s3" ? sent : sent.percentEncoded(keepingSlash: true)
  }
}

extension Timestamp {
  /// Such as `20260101T000000Z`.
  var signingText: String {
    let whole = Timestamp(microseconds: microseconds.flooredQuotient(1_000_000) * 1_000_000)
    return whole.description.filter { $0 != "-" && $0 != ":" }
  }

  /// Such as `20260101`.
  var signingDay: String { String(signingText.prefix(8)) }
}
