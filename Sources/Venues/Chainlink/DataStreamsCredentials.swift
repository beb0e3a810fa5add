internal import Crypto
package import Market

/// The key pair of Data Streams and what it signs.
package struct DataStreamsCredentials: Sendable {
  /// Sent with every request; a UUID.
  package let apiKey: String
  private let secret: Secret

  package init(apiKey: String, secret: Secret) { (self.apiKey, self.secret) = (apiKey, secret) }

  /// Signed times may be this far from the server's clock.
  package static let toleranceMilliseconds: Int64 = 5000

  /// The three headers that a request needs, on a socket's upgrade too.
  ///
  /// - Parameter path: path and query byte for byte as they are sent.
  package func headers(
    _ method: VenueRequest.Method, _ path: String, body: [UInt8] = [], at now: Timestamp
  ) -> [VenueHeader] {
    [
      VenueHeader("Authorization", apiKey),
      VenueHeader("X-Authorization-Timestamp", String(now.milliseconds)),
      VenueHeader(
        "X-Authorization-Signature-SHA256", signature(method, path, body: body, timestamp: now.milliseconds)),
    ]
  }

  /// Lower-case hexadecimal digits.
  func signature(_ method: VenueRequest.Method, _ path: String, body: [UInt8], timestamp: Int64) -> String {
    code(method, path, body: body, timestamp: timestamp).hexadecimal
  }

  func text(_ method: VenueRequest.Method, _ path: String, body: [UInt8], timestamp: Int64) -> String {
    "\(method.rawValue) \(path) \(SHA256.hexDigest(of: body)) \(apiKey) \(timestamp)"
  }

  private func code(_ method: VenueRequest.Method, _ path: String, body: [UInt8], timestamp: Int64) -> [UInt8] {
    let text = text(method, path, body: body, timestamp: timestamp)
    return HMACSHA256.code(of: Array(text.utf8), key: Array(secret.reveal().utf8))
  }

  /// What a server finds wrong with a request's signature; `nil` if nothing.
  package func objection(
    to method: VenueRequest.Method, _ path: String, headers: [VenueHeader], body: [UInt8] = [], at now: Timestamp
  ) -> String? {
    guard let key = headers.value(of: "Authorization"), let time = headers.value(of: "X-Authorization-Timestamp"),
      let signature = headers.value(of: "X-Authorization-Signature-SHA256")
    else { return "an authorization header is missing" }
    guard key == apiKey else { return "unknown API key" }
    guard let timestamp = Int64(time),
      (now.milliseconds - Self.toleranceMilliseconds...now.milliseconds + Self.toleranceMilliseconds)
        .contains(timestamp)
    else { return "the timestamp is not within five seconds" }
    guard let code = [UInt8](hexadecimal: signature.utf8),
      HMACSHA256.areEqual(code, self.code(method, path, body: body, timestamp: timestamp))
    else { return "the signature does not match" }
    return nil
  }
}
