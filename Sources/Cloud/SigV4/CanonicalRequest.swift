/// A request in the one form that both sides sign.
struct CanonicalRequest {
  let method: String
  /// Encoded as the service wants it signed.
  let path: String
  let query: [CloudRequest.Parameter]
  /// Lower-case names, sorted; values without superfluous blanks, those of the same name joined.
  let headers: [(name: String, value: String)]
  let payloadHash: String

  init(
    method: String, path: String, query: [CloudRequest.Parameter], headers: [(name: String, value: String)],
    payloadHash: String
  ) {
    (self.method, self.path, self.query, self.payloadHash) = (method, path, query, payloadHash)
    var values: [String: [String]] = [:]
    for header in headers { values[header.name.lowercased(), default: []].append(Self.withoutRuns(header.value)) }
    self.headers = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
  }

  var signedHeaders: String { headers.map(\.name).joined(separator: ";") }

  var text: String {
    let lines = headers.map { "\($0.name):\($0.value)\n" }.joined()
    return [method, path, query.canonicalText, lines, signedHeaders, payloadHash].joined(separator: "\n")
  }

  /// Blanks at the ends go, runs of them become one.
  private static func withoutRuns(_ value: String) -> String {
    value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
  }
}

extension [CloudRequest.Parameter] {
  /// Sorted by encoded name, then by encoded value; a value that is missing is an empty one.
  var canonicalText: String {
    map { ($0.name.percentEncoded(), $0.value.percentEncoded()) }.sorted { $0 < $1 }
      .map { "\($0)=\($1)" }.joined(separator: "&")
  }
}
