package import Market
internal import Venues

/// What a text lacks or has wrong.
package struct JSONMembersError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

/// The plain members of one object of JSON, and its arrays of plain elements.
///
/// A name that stands there twice has its last value. Other objects and arrays are passed over.
package struct JSONMembers: Sendable {
  package enum Value: Hashable, Sendable {
    /// As it stands there.
    case number(String)
    case text(String)
    case boolean(Bool)
    case array([Value?])
  }

  private var values: [String: Value] = [:]

  /// - Parameter limit: a text of more bytes is refused.
  package init(_ json: [UInt8], limit: Int = 64 << 10) throws(JSONMembersError) {
    guard json.count <= limit else { throw JSONMembersError(description: "larger than \(limit) bytes") }
    do throws(VenueError) {
      values = try json.withUnsafeBufferPointer { (bytes) throws(VenueError) in try Self.read(bytes) }
    } catch {
      throw JSONMembersError(description: "no JSON object: \(error)")
    }
  }

  private static func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(VenueError) -> [String: Value] {
    var values: [String: Value] = [:]
    var scanner = JSONScanner(bytes)
    try scanner.object { scanner, key throws(VenueError) in
      let name = String(decoding: key.bytes, as: UTF8.self)
      if scanner.peek() == .array { return values[name] = .array(try elements(&scanner)) }
      values[name] = try plain(&scanner)
    }
    try scanner.end()
    return values
  }

  private static func elements(_ scanner: inout JSONScanner) throws(VenueError) -> [Value?] {
    var elements: [Value?] = []
    try scanner.array { scanner, _ throws(VenueError) in elements.append(try plain(&scanner)) }
    return elements
  }

  /// `nil` for null, objects and arrays.
  private static func plain(_ scanner: inout JSONScanner) throws(VenueError) -> Value? {
    switch scanner.peek() {
    case .number: return .number(String(decoding: try scanner.numberText(), as: UTF8.self))
    case .string: return .text(try scanner.string())
    case .boolean: return .boolean(try scanner.boolean())
    case .object, .array, .null:
      try scanner.skip()
      return nil
    }
  }

  // MARK: Members; `nil` for null or nothing

  package func number(_ name: StaticString) throws(JSONMembersError) -> Double? {
    guard let value = values["\(name)"] else { return nil }
    guard case .number(let text) = value, let number = Double(text), number.isFinite else { throw wrong(name) }
    return number
  }

  package func integer(_ name: StaticString) throws(JSONMembersError) -> Int64? {
    guard let value = values["\(name)"] else { return nil }
    guard case .number(let text) = value, let number = Int64(text) else { throw wrong(name) }
    return number
  }

  package func text(_ name: StaticString) throws(JSONMembersError) -> String? {
    guard let value = values["\(name)"] else { return nil }
    guard case .text(let text) = value else { throw wrong(name) }
    return text
  }

  /// A number, or a number in quotes.
  package func decimal(_ name: StaticString) throws(JSONMembersError) -> Decimal8? {
    let text: String
    switch values["\(name)"] {
    case nil: return nil
    case .number(let value), .text(let value): text = value
    default: throw wrong(name)
    }
    guard let decimal = Decimal8(text) else { throw wrong(name) }
    return decimal
  }

  package func boolean(_ name: StaticString) throws(JSONMembersError) -> Bool? {
    guard let value = values["\(name)"] else { return nil }
    guard case .boolean(let boolean) = value else { throw wrong(name) }
    return boolean
  }

  package func array(_ name: StaticString) throws(JSONMembersError) -> [Value?]? {
    guard let value = values["\(name)"] else { return nil }
    guard case .array(let elements) = value else { throw wrong(name) }
    return elements
  }

  // MARK: Members that must be there

  package func required<Wanted>(_ name: StaticString, _ value: Wanted?) throws(JSONMembersError) -> Wanted {
    guard let value else { throw wrong(name) }
    return value
  }

  package func symbol(_ name: StaticString) throws(JSONMembersError) -> Symbol {
    try required(name, try text(name).flatMap { Symbol($0) })
  }

  /// Between the years 1 and 9999.
  package func milliseconds(_ name: StaticString) throws(JSONMembersError) -> Timestamp {
    let value = try required(name, try integer(name))
    guard (-62_135_596_800_000...253_402_300_799_999).contains(value) else { throw wrong(name) }
    return Timestamp(milliseconds: value)
  }

  /// For a member whose value is no such thing.
  package func wrong(_ name: StaticString) -> JSONMembersError {
    switch values["\(name)"] {
    case nil: JSONMembersError(description: "\(name) is missing")
    case .number(let text), .text(let text):
      JSONMembersError(description: "\(name) is \(String(text.prefix(40)).debugDescription)")
    case .boolean(let value): JSONMembersError(description: "\(name) is \(value)")
    case .array: JSONMembersError(description: "\(name) is an array, or has a wrong element")
    }
  }
}
