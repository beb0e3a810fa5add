package import Operations
package import Transport

/// Why a request has no answer; every one has this shape, `{"error":{"code":…,"message":…}}`.
package struct APIFailure: Error, Hashable, Sendable {
  package let status: Int
  /// For programs: lower case with underscores, never changed.
  package let code: String
  /// For people: what, where, which value, what to do.
  package let message: String
  package var headers: [HTTPHeader] = []
  /// What would have been right, for programs; stands beside the message.
  package var expected: JSONValue?

  package init(
    _ status: Int, _ code: String, _ message: String, headers: [HTTPHeader] = [], expected: JSONValue? = nil
  ) {
    (self.status, self.code, self.message, self.headers) = (status, code, message, headers)
    self.expected = expected
  }

  package var response: ServerResponse {
    var members: [JSONValue.Member] = [.init("code", .text(code)), .init("message", .text(message))]
    if let expected { members.append(.init("expected", expected)) }
    let body: JSONValue = ["error": .object(members)]
    var response = ServerResponse.json(body, status: status)
    response.headers += headers
    return response
  }

  static func badParameter(_ name: String, _ message: String) -> APIFailure {
    APIFailure(400, "bad_parameter", "\(name): \(message)")
  }

  /// Too much at once, by one client or by all.
  package static func busy(_ message: String, retryAfterSeconds: Int = 1) -> APIFailure {
    APIFailure(429, "busy", message, headers: [HTTPHeader("Retry-After", "\(retryAfterSeconds)")])
  }

  package static func unavailable(_ message: String) -> APIFailure {
    APIFailure(503, "unavailable", message, headers: [HTTPHeader("Retry-After", "1")])
  }
}

extension ServerResponse {
  package static func json(_ value: JSONValue, status: Int = 200) -> ServerResponse {
    json(value.bytes, status: status)
  }

  static func json(_ body: [UInt8], status: Int = 200) -> ServerResponse {
    ServerResponse(status: status, headers: jsonHeaders, body: body)
  }

  private static let jsonHeaders = [HTTPHeader("Content-Type", "application/json")]
}
