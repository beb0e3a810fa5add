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

  package init(_ status: Int, _ code: String, _ message: String, headers: [HTTPHeader] = []) {
    (self.status, self.code, self.message, self.headers) = (status, code, message, headers)
  }

  package var response: ServerResponse {
    let body: JSONValue = ["error": ["code": .text(code), "message": .text(message)]]
    return ServerResponse(
      status: status, headers: [HTTPHeader("Content-Type", "application/json")] + headers,
      body: Array(body.description.utf8))
  }

  static func badParameter(_ name: String, _ message: String) -> APIFailure {
    APIFailure(400, "bad_parameter", "\(name): \(message)")
  }

  package static func unavailable(_ message: String) -> APIFailure {
    APIFailure(503, "unavailable", message, headers: [HTTPHeader("Retry-After", "1")])
  }
}

extension ServerResponse {
  package static func json(_ value: JSONValue, status: Int = 200) -> ServerResponse {
    ServerResponse(
      status: status, headers: [HTTPHeader("Content-Type", "application/json")], body: Array(value.description.utf8))
  }
}
