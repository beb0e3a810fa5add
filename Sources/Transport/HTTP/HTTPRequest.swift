package struct HTTPRequest: Sendable {
  package var method: String
  /// `http` or `https`, sent as it stands.
  package var url: String
  package var headers: [HTTPHeader]
  package var body: [UInt8]
  /// From handing it in to the last byte of the answer.
  package var timeoutSeconds: Double

  package init(
    method: String = "GET", url: String, headers: [HTTPHeader] = [], body: [UInt8] = [], timeoutSeconds: Double = 30
  ) {
    (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
    self.timeoutSeconds = timeoutSeconds
  }
}

package struct HTTPAnswer: Hashable, Sendable {
  package let status: Int
  /// All of them in the order they came.
  package let headers: [HTTPHeader]
  /// Decoded where it came compressed.
  package let body: [UInt8]

  package init(status: Int, headers: [HTTPHeader], body: [UInt8]) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
}
