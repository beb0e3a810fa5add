import Market

/// A table of a store, told in types that every kind of store has.
package struct StoredTable: Hashable, Codable, Sendable {
  package let name: String
  package let columns: [StoredColumn]

  package init(name: String, columns: [StoredColumn]) { (self.name, self.columns) = (name, columns) }
}

package struct StoredColumn: Hashable, Codable, Sendable {
  package let name: String
  package let kind: ColumnKind

  package init(_ name: String, _ kind: ColumnKind) { (self.name, self.kind) = (name, kind) }
}

/// What the values of a column are, whatever a database calls the type.
package enum ColumnKind: Hashable, Sendable {
  case boolean
  /// Of up to 64 bits, with a sign.
  case integer
  /// Of up to 64 bits, without one.
  case unsigned
  case double
  case text
  /// A text that is one JSON value.
  case json
  case instant
  /// A time that does not say of which zone it is.
  case wallTime
  case date
  /// With so many digits after the point.
  case decimal(scale: Int)

  static let largestScale = 18
}

extension ColumnKind: TextCodable {
  package init?(_ text: String) {
    switch text {
    case "boolean": self = .boolean
    case "integer": self = .integer
    case "unsigned": self = .unsigned
    case "double": self = .double
    case "text": self = .text
    case "json": self = .json
    case "instant": self = .instant
    case "wall time": self = .wallTime
    case "date": self = .date
    default:
      guard text.hasPrefix("decimal "), let scale = Int(text.dropFirst(8)), (0...Self.largestScale).contains(scale)
      else { return nil }
      self = .decimal(scale: scale)
    }
  }

  package var description: String {
    switch self {
    case .boolean: "boolean"
    case .integer: "integer"
    case .unsigned: "unsigned"
    case .double: "double"
    case .text: "text"
    case .json: "json"
    case .instant: "instant"
    case .wallTime: "wall time"
    case .date: "date"
    case .decimal(let scale): "decimal \(scale)"
    }
  }
}

extension ColumnKind {
  /// Values of this kind may be kept as the other one; whether each fits is seen when it comes.
  func canBecome(_ other: ColumnKind) -> Bool {
    switch (self, other) {
    case let (a, b) where a == b: true
    case (.text, .json), (.json, .text), (.instant, .wallTime), (.wallTime, .instant): true
    default: isNumber && other.isNumber
    }
  }

  private var isNumber: Bool {
    switch self {
    case .integer, .unsigned, .decimal: true
    default: false
    }
  }
}
