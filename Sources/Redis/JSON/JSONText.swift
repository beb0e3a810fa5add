/// One object of plain members while it is written, in the spelling of Python's `json.dumps`.
package struct JSONText: Sendable {
  private var text = "{"

  package init() {}

  package mutating func add(_ name: StaticString, _ value: Int64?) {
    addRaw(name, value.map { String($0) } ?? "null")
  }

  /// Null for what JSON cannot hold.
  package mutating func add(_ name: StaticString, _ value: Double?) {
    addRaw(name, value.map { $0.isFinite ? "\($0)" : "null" } ?? "null")
  }

  package mutating func add(_ name: StaticString, _ value: Bool) { addRaw(name, value ? "true" : "false") }

  package mutating func add(_ name: StaticString, _ value: String?) {
    addRaw(name, value.map(Self.quoted) ?? "null")
  }

  /// - Parameter elements: each a number's or another value's text.
  package mutating func add(_ name: StaticString, elements: [String]) {
    addRaw(name, "[" + elements.joined(separator: ", ") + "]")
  }

  /// - Parameter text: a number's, as it should stand there.
  package mutating func add(_ name: StaticString, number text: String) { addRaw(name, text) }

  package static func quoted(_ value: String) -> String {
    var quoted = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        quoted.unicodeScalars.append("\\")
        quoted.unicodeScalars.append(scalar)
      case ..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private mutating func addRaw(_ name: StaticString, _ value: String) {
    if text.utf8.count > 1 { text += ", " }
    text += "\"\(name)\": " + value
  }

  package var bytes: [UInt8] { Array((text + "}").utf8) }
}
