package import Market
internal import Venues

/// What a text lacks or has wrong.
package struct JSONMembersError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

/// The plain members of one object of JSON, and its arrays of plain elements and of objects like itself, which have no
/// objects in theirs.
///
/// A name that stands there twice has its last value. Other objects and arrays are passed over.
package struct JSONMembers: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    /// As it stands there.
    case number(String)
    case text(String)
    case boolean(Bool)
    case array([Value?])
    /// In an array only.
    case object(JSONMembers)
  }

  private var values: [String: Value] = [:]

  private init() {}

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
    var scanner = JSONScanner(bytes)
    let values = try members(&scanner, isElement: false)
    try scanner.end()
    return values
  }

  private static func members(_ scanner: inout JSONScanner, isElement: Bool) throws(VenueError) -> [String: Value] {
    var values: [String: Value] = [:]
    try scanner.object { scanner, key throws(VenueError) in
      let name = String(decoding: key.bytes, as: UTF8.self)
      if scanner.peek() == .array { return values[name] = .array(try elements(&scanner, ofElement: isElement)) }
      values[name] = try plain(&scanner)
    }
    return values
  }

  private static func elements(_ scanner: inout JSONScanner, ofElement: Bool) throws(VenueError) -> [Value?] {
    var elements: [Value?] = []
    try scanner.array { scanner, _ throws(VenueError) in
      guard !ofElement, scanner.peek() == .object else { return elements.append(try plain(&scanner)) }
      var object = JSONMembers()
      object.values = try members(&scanner, isElement: true)
      elements.append(.object(object))
    }
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

  /// A number, or a plain number in quotes.
  package func decimal(_ name: StaticString) throws(JSONMembersError) -> Decimal8? {
    let decimal: Decimal8?
    switch values["\(name)"] {
    case nil: return nil
    case .number(let text): decimal = Decimal8(text) ?? Decimal8(withExponent: text)
    case .text(let text): decimal = Decimal8(text)
    default: throw wrong(name)
    }
    guard let decimal else { throw wrong(name) }
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

  /// The elements of an array that has nothing but objects.
  package func objects(_ name: StaticString) throws(JSONMembersError) -> [JSONMembers]? {
    guard let elements = try array(name) else { return nil }
    var objects: [JSONMembers] = []
    for element in elements {
      guard case .object(let object) = element else { throw wrong(name) }
      objects.append(object)
    }
    return objects
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
    case .array, .object: JSONMembersError(description: "\(name) is an array, or has a wrong element")
    }
  }
}

extension Decimal8 {
  /// Exact, as `1e-05`, which is how many programs write small numbers.
  fileprivate init?(withExponent text: String) {
    let parts = text.split(whereSeparator: { "eE".contains($0) })
    guard parts.count == 2, let exponent = Int(parts[1]), abs(exponent) <= 20 else { return nil }
    let isNegative = parts[0].first == "-"
    let number = parts[0].dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(number.count) else { return nil }
    let fraction = number.count == 2 ? number[1] : ""
    let digits = String(repeating: "0", count: 20) + number[0] + fraction + String(repeating: "0", count: 20)
    let point = digits.index(digits.startIndex, offsetBy: 20 + number[0].count + exponent)
    let significant = digits[..<point].drop { $0 == "0" }
    self.init((isNegative ? "-0" : "0") + significant + "." + digits[point...])
  }
}
