package import Operations
package import Transport

/// One method of one path: what it takes, what it answers, and its page in the documentation.
package final class Route: Sendable {
  package enum Answer: Sendable {
    /// On the server's own thread: takes microseconds.
    case now(@Sendable (APIRequest) throws(APIFailure) -> ServerResponse)
    case later(@Sendable (APIRequest) async throws(APIFailure) -> ServerResponse)
  }

  package let method: String
  /// Such as `/v1/predictions/{id}`.
  package let path: String
  package let summary: String
  package let parameters: [Parameter]
  package let contentType: String
  /// Of the answer, for OpenAPI.
  package let schema: JSONValue
  /// Of the request's body; `nil` for a request without one.
  package let bodySchema: JSONValue?
  /// What a token must open where one is needed.
  package let scope: AccessToken.Scope
  package let answer: Answer
  private let segments: [Substring]

  package init(
    _ method: String, _ path: String, _ summary: String, parameters: [Parameter] = [],
    contentType: String = "application/json", schema: JSONValue = ["type": "object"],
    bodySchema: JSONValue? = nil, scope: AccessToken.Scope = .read, answer: Answer
  ) {
    (self.method, self.path, self.summary, self.parameters) = (method, path, summary, parameters)
    (self.contentType, self.schema, self.bodySchema, self.answer) = (contentType, schema, bodySchema, answer)
    self.scope = scope
    segments = path.split(separator: "/", omittingEmptySubsequences: false)
  }

  /// The values of the places in braces; `nil` for another path.
  func places(in path: [Substring]) -> [String: String]? {
    guard path.count == segments.count else { return nil }
    var places: [String: String] = [:]
    for (segment, text) in zip(segments, path) {
      guard segment.hasPrefix("{") else {
        guard segment == text else { return nil }
        continue
      }
      guard !text.isEmpty, let value = PercentCoding.decode(text) else { return nil }
      places[String(segment.dropFirst().dropLast())] = value
    }
    return places
  }

  var placeNames: [String] { segments.filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) } }
}
