/// The payload of an `answer` record: what a request brought.
package struct TapeAnswer: Hashable, Sendable {
  package enum Outcome: Hashable, Sendable {
    case answer(status: Int, headers: [Header], body: [UInt8])
    /// No answer came; why not.
    case failure(String)
  }

  package struct Header: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// The recorder's number of the request.
  package var request: Int
  package var outcome: Outcome

  package init(request: Int, outcome: Outcome) { (self.request, self.outcome) = (request, outcome) }

  private static let version: UInt8 = 1

  package var payload: [UInt8] {
    var bytes = [Self.version]
    bytes.append(signed: Int64(request))
    switch outcome {
    case .answer(let status, let headers, let body):
      bytes.append(0)
      bytes.append(signed: Int64(status))
      bytes.append(variable: UInt64(headers.count))
      for header in headers {
        bytes.append(counted: Array(header.name.utf8))
        bytes.append(counted: Array(header.value.utf8))
      }
      bytes.append(counted: body)
    case .failure(let reason):
      bytes.append(1)
      bytes.append(counted: Array(reason.utf8))
    }
    return bytes
  }

  package init(payload: [UInt8]) throws(TapeError) {
    var scanner = TapeScanner(payload[...])
    guard scanner.byte() == Self.version else { throw .malformedAnswer(offset: 0, reason: "another version") }
    guard let request = scanner.signed(), let outcome = Self.outcome(&scanner) else {
      throw .malformedAnswer(offset: scanner.position, reason: "it ends too early or holds an unknown mark")
    }
    guard scanner.isAtEnd else { throw .malformedAnswer(offset: scanner.position, reason: "something follows it") }
    self.init(request: Int(request), outcome: outcome)
  }

  private static func outcome(_ scanner: inout TapeScanner) -> Outcome? {
    switch scanner.byte() {
    case 0:
      guard let status = scanner.signed(), let headers = headers(&scanner), let body = scanner.counted() else {
        return nil
      }
      return .answer(status: Int(status), headers: headers, body: Array(body))
    case 1: return scanner.counted().map { .failure(String(decoding: $0, as: UTF8.self)) }
    default: return nil
    }
  }

  private static func headers(_ scanner: inout TapeScanner) -> [Header]? {
    guard let count = scanner.variable() else { return nil }
    var headers: [Header] = []
    for _ in 0..<count {
      guard let name = scanner.counted(), let value = scanner.counted() else { return nil }
      headers.append(Header(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
    }
    return headers
  }
}
