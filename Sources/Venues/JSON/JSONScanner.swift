package import Market

/// Reads UTF-8 JSON from front to back without building a tree: the caller asks for what it expects next.
///
/// Everything that is passed over is checked too, so whatever a venue sends ends in values or in a `VenueError`. It
/// works on raw bytes because a feed may bring a million messages a second.
package struct JSONScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0
  /// Deeper nesting than any venue sends.
  private static let deepest = 32

  /// `bytes` must outlive the scanner.
  package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  // MARK: Structure

  /// Calls `member` for each member with the scanner before its value, which `member` must read or `skip`.
  @inline(__always)
  package mutating func object(
    _ member: (inout JSONScanner, JSONKey) throws(VenueError) -> Void
  ) throws(VenueError) {
    try expect(UInt8(ascii: "{"), "an object")
    try descend()
    if take(UInt8(ascii: "}")) { return depth -= 1 }
    repeat {
      let key = JSONKey(try quoted())
      try expect(UInt8(ascii: ":"), "':'")
      try member(&self, key)
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "',' or '}'")
    depth -= 1
  }

  /// Calls `element` for each element with the scanner before it, which `element` must read or `skip`.
  @inline(__always)
  package mutating func array(_ element: (inout JSONScanner, Int) throws(VenueError) -> Void) throws(VenueError) {
    try expect(UInt8(ascii: "["), "an array")
    try descend()
    if take(UInt8(ascii: "]")) { return depth -= 1 }
    var index = 0
    repeat {
      try element(&self, index)
      index += 1
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "',' or ']'")
    depth -= 1
  }

  /// The name of an object's first member and a scanner before its value, without passing anything; `nil` for `{}`.
  @inline(__always)
  package func firstMember() throws(VenueError) -> (key: JSONKey, value: JSONScanner)? {
    var scanner = self
    try scanner.expect(UInt8(ascii: "{"), "an object")
    if scanner.take(UInt8(ascii: "}")) { return nil }
    let key = JSONKey(try scanner.quoted())
    try scanner.expect(UInt8(ascii: ":"), "':'")
    return (key, scanner)
  }

  /// Only white space may follow.
  package mutating func end() throws(VenueError) {
    skipSpace()
    guard position == bytes.count else { throw malformed("something after the end") }
  }

  // MARK: Values

  package mutating func integer() throws(VenueError) -> Int64 {
    skipSpace()
    let start = position
    guard let value = Int64(digits: rawNumber()) else { throw malformed("an integer is expected", at: start) }
    return value
  }

  /// A number, or a number in quotes, as most venues send prices.
  package mutating func decimal() throws(VenueError) -> Decimal8 {
    skipSpace()
    let start = position
    let text = next == UInt8(ascii: "\"") ? try quoted() : rawNumber()
    guard let value = Decimal8(utf8: text) else {
      throw .badValue(field: "byte \(start)", value: text.shown, reason: "not a decimal of at most eight places")
    }
    return value
  }

  /// An integer, or an integer in quotes.
  package mutating func quotedInteger() throws(VenueError) -> Int64 {
    skipSpace()
    let start = position
    let text = next == UInt8(ascii: "\"") ? try quoted() : rawNumber()
    guard let value = Int64(digits: text) else { throw malformed("an integer is expected", at: start) }
    return value
  }

  package mutating func boolean() throws(VenueError) -> Bool {
    skipSpace()
    if takeWord("true") { return true }
    if takeWord("false") { return false }
    throw malformed("true or false is expected")
  }

  /// `true` if a null was there and has been passed.
  package mutating func takeNull() -> Bool {
    skipSpace()
    return takeWord("null")
  }

  /// A string's text with its escapes resolved.
  package mutating func string() throws(VenueError) -> String {
    skipSpace()
    let start = position
    let raw = try quoted()
    guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
    guard let text = String(unescaping: raw) else { throw malformed("a bad escape", at: start) }
    return text
  }

  /// A string's bytes between the quotes, escapes as they stand; valid as long as the scanner's bytes.
  @inline(__always)
  package mutating func rawString() throws(VenueError) -> UnsafeBufferPointer<UInt8> {
    skipSpace()
    return try quoted()
  }

  /// An instrument's name in quotes.
  @inline(__always)
  package mutating func symbol(_ field: StaticString) throws(VenueError) -> Symbol {
    let text = try rawString()
    guard let symbol = Symbol(utf8: text) else {
      throw .badValue(field: "\(field)", value: text.shown, reason: "no name of an instrument")
    }
    return symbol
  }

  /// A number's text; empty if there is none.
  package mutating func numberText() throws(VenueError) -> UnsafeBufferPointer<UInt8> {
    skipSpace()
    let text = rawNumber()
    guard !text.isEmpty else { throw malformed("a number is expected") }
    return text
  }

  /// Passes over any value.
  package mutating func skip() throws(VenueError) {
    skipSpace()
    switch next {
    case UInt8(ascii: "\""): _ = try quoted()
    case UInt8(ascii: "{"): try object { scanner, _ throws(VenueError) in try scanner.skip() }
    case UInt8(ascii: "["): try array { scanner, _ throws(VenueError) in try scanner.skip() }
    case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try boolean()
    case UInt8(ascii: "n"): guard takeNull() else { throw malformed("null is expected") }
    default: _ = try numberText()
    }
  }

  /// What comes next, without passing it.
  package mutating func peek() -> Kind {
    skipSpace()
    return switch next {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  package enum Kind: Sendable { case object, array, string, boolean, null, number }

  package func malformed(_ reason: String, at offset: Int? = nil) -> VenueError {
    .malformed(offset: offset ?? position, reason: reason)
  }

  // MARK: Bytes

  /// 0 at the end.
  private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  @inline(__always)
  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  @inline(__always)
  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte, position < bytes.count else { return false }
    position += 1
    return true
  }

  @inline(__always)
  private mutating func expect(_ byte: UInt8, _ name: String) throws(VenueError) {
    guard take(byte) else { throw malformed("\(name) is expected") }
  }

  private mutating func descend() throws(VenueError) {
    depth += 1
    guard depth <= Self.deepest else { throw malformed("nested too deep") }
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count else { return false }
    for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] { return false }
    position = end
    return true
  }

  @inline(__always)
  private mutating func quoted() throws(VenueError) -> UnsafeBufferPointer<UInt8> {
    try expect(UInt8(ascii: "\""), "a string")
    let start = position
    while position < bytes.count {
      skipPlainText()
      guard position < bytes.count else { break }
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        defer { position += 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<position])
      }
      guard byte >= 0x20 else { throw malformed("a control character in a string") }
      position += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    throw malformed("a string does not end", at: start)
  }

  /// Passes over eight bytes at a time as long as none of them ends or escapes a string, or may not be in one.
  @inline(__always)
  private mutating func skipPlainText() {
    let raw = UnsafeRawBufferPointer(bytes)
    while position &+ 8 <= raw.count {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let ones: UInt64 = 0x0101_0101_0101_0101
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      // The high bit of a byte is set where it is zero, or below 0x20; of the set bits the lowest is right.
      let found =
        ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- ones &* 0x20) & ~word)
      let marks = found & (ones &* 0x80)
      guard marks == 0 else {
        position &+= marks.trailingZeroBitCount >> 3
        return
      }
      position &+= 8
    }
  }

  private mutating func rawNumber() -> UnsafeBufferPointer<UInt8> {
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
        UInt8(ascii: "e"), UInt8(ascii: "E"):
        position += 1
      default: return UnsafeBufferPointer(rebasing: bytes[start..<position])
      }
    }
    return UnsafeBufferPointer(rebasing: bytes[start..<position])
  }
}

/// A member's name, to be compared without making a `String`.
package struct JSONKey {
  package let bytes: UnsafeBufferPointer<UInt8>

  fileprivate init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  package static func ~= (pattern: StaticString, key: JSONKey) -> Bool { key.bytes.equals(pattern) }

  package var text: String { bytes.shown }
}

extension UnsafeBufferPointer<UInt8> {
  @inline(__always)
  package func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }

  /// For errors: at most forty characters.
  package var shown: String { String(decoding: prefix(40), as: UTF8.self) }
}

extension Int64 {
  /// Plain digits with an optional minus; `nil` for anything else or out of range.
  init?(digits: UnsafeBufferPointer<UInt8>) {
    let isNegative = digits.first == UInt8(ascii: "-")
    let rest = digits.dropFirst(isNegative ? 1 : 0)
    guard (1...19).contains(rest.count) else { return nil }
    var value: UInt64 = 0
    for byte in rest {
      guard byte.isDigit else { return nil }
      value = value &* 10 &+ UInt64(byte &- 48)
    }
    guard value <= UInt64(Int64.max) else { return nil }
    self = isNegative ? -Int64(value) : Int64(value)
  }
}

extension String {
  /// `nil` for a bad escape.
  fileprivate init?(unescaping raw: UnsafeBufferPointer<UInt8>) {
    var units: [UInt16] = []
    var result = ""
    var text: [UInt8] = []
    var index = raw.startIndex
    func flush() {
      result += String(decoding: text, as: UTF8.self) + String(decoding: units, as: UTF16.self)
      text.removeAll()
      units.removeAll()
    }
    while index < raw.endIndex {
      guard raw[index] == UInt8(ascii: "\\") else {
        if !units.isEmpty { flush() }
        text.append(raw[index])
        index += 1
        continue
      }
      guard index + 1 < raw.endIndex else { return nil }
      if raw[index + 1] == UInt8(ascii: "u") {
        guard index + 6 <= raw.endIndex,
          let unit = UInt16(String(decoding: raw[index + 2..<index + 6], as: UTF8.self), radix: 16)
        else { return nil }
        if !text.isEmpty { flush() }
        units.append(unit)
        index += 6
        continue
      }
      if !units.isEmpty { flush() }
      guard let plain = Self.plain(escape: raw[index + 1]) else { return nil }
      text.append(plain)
      index += 2
    }
    flush()
    self = result
  }

  private static func plain(escape byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
    case UInt8(ascii: "b"): 8
    case UInt8(ascii: "f"): 12
    case UInt8(ascii: "n"): 10
    case UInt8(ascii: "r"): 13
    case UInt8(ascii: "t"): 9
    default: nil
    }
  }
}
