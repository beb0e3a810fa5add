/// A request to a service before it is signed: nothing in it is encoded.
struct CloudRequest: Sendable {
  struct Parameter: Hashable, Sendable {
    let name: String
    let value: String

    init(_ name: String, _ value: String = "") { (self.name, self.value) = (name, value) }
  }

  var method: String
  var path: String
  var query: [Parameter]
  /// Each of them is signed.
  var headers: [(name: String, value: String)]
  var body: [UInt8]

  init(
    method: String = "GET", path: String = "/", query: [Parameter] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    (self.method, self.path, self.query, self.headers, self.body) = (method, path, query, headers, body)
  }
}
