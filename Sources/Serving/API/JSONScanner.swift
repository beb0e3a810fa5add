/// Reads the JSON of a request where it stands, without making a tree of it.
///
/// Whoever calls knows what must come; anything else is an error that says at which byte and what was expected. Nothing
/// nests deeper than the caller asks for or `mostNested`.
struct JSONScanner {
  private static let mostNested = 32
  private static let mostTextBytes = 1 << 16

  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  /// - Parameter bytes: must outlive the scanner.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  // MARK: Composites

  /// Calls `member` at each value; it must read the value. A name given twice is an error.
  mutating func object(
    _ member: (inout JSONScanner, String) throws(APIFailure) -> Void
  ) throws(APIFailure) {
    try expect("{", "an object")
    if take("}") { return }
    var names = SeenNames()
    repeat {
      let name = try text()
      guard names.insert(name) else { throw failure("each name once, and not “\(name.shortened)” again") }
      try expect(":", "a colon")
      try member(&self, name)
    } while take(",")
    try expect("}", "a comma or the end of the object")
  }

  /// Calls `element` at each value; it must read the value.
  @inline(__always)
  mutating func array(_ element: (inout JSONScanner) throws(APIFailure) -> Void) throws(APIFailure) {
    try expect("[", "an array")
    if take("]") { return }
    repeat { try element(&self) } while take(",")
    try expect("]", "a comma or the end of the array")
  }

  /// Nothing but blanks may follow.
  mutating func end() throws(APIFailure) {
    skipBlanks()
    guard offset == bytes.count else { throw failure("nothing more") }
  }

  /// Reads whatever comes.
  mutating func skip(depth: Int = 0) throws(APIFailure) {
    guard depth < Self.mostNested else { throw failure("no more than \(Self.mostNested) levels") }
    switch peek {
    case UInt8(ascii: "{"): try object { scanner, _ throws(APIFailure) in try scanner.skip(depth: depth + 1) }
    case UInt8(ascii: "["): try array { scanner throws(APIFailure) in try scanner.skip(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try text()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try number()
    }
  }

  // MARK: Values

  /// The first byte of what comes; `nil` at the end.
  var peek: UInt8? {
    @inline(__always)
    mutating get {
      skipBlanks()
      return offset < bytes.count ? bytes[offset] : nil
    }
  }

  /// Whether `null` came; nothing is read if not.
  @inline(__always)
  mutating func isNull() throws(APIFailure) -> Bool {
    guard peek == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  mutating func boolean() throws(APIFailure) -> Bool {
    let isTrue = peek == UInt8(ascii: "t")
    try word(isTrue ? "true" : "false")
    return isTrue
  }

  /// Numbers too large for a double are infinite.
  @inline(__always)
  mutating func number() throws(APIFailure) -> Double {
    skipBlanks()
    if let value = plainNumber() { return value }
    return try anyNumber()
  }

  @inline(never)
  private mutating func anyNumber() throws(APIFailure) -> Double {
    let start = offset
    let isNegative = next("-")
    guard let first = byte, first.isDigit else { throw failure("a number") }
    var (mantissa, digits, exponent) = (UInt64(0), 0, 0)
    if first == UInt8(ascii: "0") { offset += 1 } else { takeDigits(&mantissa, &digits) }
    if next(".") {
      guard byte?.isDigit == true else { throw failure("a digit") }
      let before = digits
      takeDigits(&mantissa, &digits)
      exponent = before - digits
    }
    var isExact = digits <= Self.exactDigits
    if next("e") || next("E") {
      let isBelow = next("-")
      if !isBelow { _ = next("+") }
      guard byte?.isDigit == true else { throw failure("a digit") }
      var (power, count) = (UInt64(0), 0)
      takeDigits(&power, &count)
      isExact = isExact && count <= 3
      exponent += isBelow ? -Int(power % 1000) : Int(power % 1000)
    }
    // Both are exact doubles, so that one operation rounds once.
    if isExact, abs(exponent) <= 22 {
      let value = exponent < 0 ? Double(mantissa) / Self.powers[-exponent] : Double(mantissa) * Self.powers[exponent]
      return isNegative ? -value : value
    }
    return Double(String(decoding: bytes[start..<offset], as: UTF8.self)) ?? .nan
  }

  /// What nearly all are: at most fifteen digits and no exponent. Anything else is left unread.
  ///
  /// Where it reads is a local variable, which stays in a register; this is most of the time that a vector takes.
  private mutating func plainNumber() -> Double? {
    var place = offset
    let isNegative = byte == UInt8(ascii: "-")
    if isNegative { place += 1 }
    let first = place
    var mantissa: UInt64 = 0
    place = Self.takeDigits(bytes, from: place, &mantissa)
    var digits = place - first
    guard digits == 1 || digits > 1 && bytes[first] != UInt8(ascii: "0") else { return nil }
    var decimals = 0
    if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
      let point = place
      place = Self.takeDigits(bytes, from: point + 1, &mantissa)
      decimals = place - point - 1
      guard decimals > 0 else { return nil }
      digits += decimals
    }
    guard digits <= Self.exactDigits, place == bytes.count || bytes[place] | 0x20 != UInt8(ascii: "e") else {
      return nil
    }
    offset = place
    let value = Double(mantissa) / Self.powers[decimals]
    return isNegative ? -value : value
  }

  /// Returns where no digit stands. The mantissa of more than nineteen is of no use.
  ///
  /// Eight at a time: how many digits a number has cannot be foreseen, and a loop that ends unforeseen costs more than
  /// all the rest.
  @inline(__always)
  private static func takeDigits(_ bytes: UnsafeRawBufferPointer, from start: Int, _ mantissa: inout UInt64) -> Int {
    var place = start
    while place + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      let digits = word ^ 0x3030_3030_3030_3030
      // A byte above nine has one of its upper bits set, at the latest after six is added; what is carried from it
      // falls on those behind it.
      let others = (digits | (digits &+ 0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0
      let count = others.trailingZeroBitCount / 8
      guard count > 0 else { return place }
      mantissa = mantissa &* tens[count] &+ value(ofDigits: digits << UInt64(64 - 8 * count))
      place += count
      guard count == 8 else { return place }
    }
    while place < bytes.count {
      let digit = bytes[place] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      place += 1
    }
    return place
  }

  /// Of eight digits, the first in the lowest byte: pairs, then fours, then all.
  @inline(__always)
  private static func value(ofDigits digits: UInt64) -> UInt64 {
    let pairs = digits &* 10 &+ digits >> 8
    let odd = (pairs & 0x0000_00FF_0000_00FF) &* (1_000_000 << 32 | 100)
    let even = (pairs >> 16 & 0x0000_00FF_0000_00FF) &* (10_000 << 32 | 1)
    return (odd &+ even) >> 32
  }

  private static let tens: [UInt64] = [
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
  ]
  private static let exactDigits = 15
  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// Digits after the first fifteen are counted, not kept.
  private mutating func takeDigits(_ mantissa: inout UInt64, _ digits: inout Int) {
    while let digit = byte, digit.isDigit {
      if digits < Self.exactDigits { mantissa = mantissa * 10 + UInt64(digit &- 48) }
      digits += 1
      offset += 1
    }
  }

  /// A string; its escapes are undone.
  mutating func text() throws(APIFailure) -> String {
    try expect("\"", "a string")
    let start = offset
    while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { offset += 1 }
    guard byte == UInt8(ascii: "\"") else { return try escapedText(from: start) }
    defer { offset += 1 }
    return try valid(bytes[start..<offset])
  }

  private mutating func escapedText(from start: Int) throws(APIFailure) -> String {
    var text = Array(bytes[start..<offset])
    while let byte, text.count <= Self.mostTextBytes {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let valid = String(validating: text, as: UTF8.self) else { throw failure("UTF-8") }
        return valid
      case UInt8(ascii: "\\"): try takeEscape(into: &text)
      case ..<0x20: throw failure("no control characters in a string")
      default: text.append(byte)
      }
    }
    throw failure("the end of the string")
  }

  private mutating func takeEscape(into text: inout [UInt8]) throws(APIFailure) {
    defer { offset += 1 }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[offset])
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "u"):
      let scalar = try scalar()
      text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw failure("an escape")
    }
  }

  /// Stands at the `u`, and is left at the last digit.
  private mutating func scalar() throws(APIFailure) -> Unicode.Scalar {
    let high = try fourDigits()
    guard (0xD800...0xDBFF).contains(high) else {
      guard let scalar = Unicode.Scalar(high) else { throw failure("a character") }
      return scalar
    }
    offset += 1
    guard next("\\"), byte == UInt8(ascii: "u") else { throw failure("the second half of a character") }
    let low = try fourDigits()
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw failure("the second half of a character") }
    return scalar
  }

  private mutating func fourDigits() throws(APIFailure) -> UInt32 {
    guard offset + 4 < bytes.count else { throw failure("four hexadecimal digits") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      offset += 1
      guard let digit = bytes[offset].hexadecimalDigit else { throw failure("four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private func valid(_ bytes: Slice<UnsafeRawBufferPointer>) throws(APIFailure) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("UTF-8") }
    return text
  }

  // MARK: Bytes

  func failure(_ expected: String) -> APIFailure {
    APIFailure(400, "bad_json", "the body is not the JSON that is expected: at byte \(offset), expected \(expected)")
  }

  @inline(__always)
  private var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  @inline(__always)
  private mutating func skipBlanks() {
    while let byte, byte == 32 || byte == 10 || byte == 13 || byte == 9 { offset += 1 }
  }

  /// Without blanks before it.
  @inline(__always)
  private mutating func next(_ character: Unicode.Scalar) -> Bool {
    guard byte == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  @inline(__always)
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipBlanks()
    return next(character)
  }

  private mutating func expect(_ character: Unicode.Scalar, _ what: String) throws(APIFailure) {
    guard take(character) else { throw failure(what) }
  }

  private mutating func word(_ word: StaticString) throws(APIFailure) {
    skipBlanks()
    let count = word.utf8CodeUnitCount
    let isThere = word.withUTF8Buffer { wanted in
      offset + count <= bytes.count && bytes[offset..<(offset + count)].elementsEqual(wanted)
    }
    guard isThere else { throw failure("a value") }
    offset += count
  }
}

/// Few names are looked through, which is cheaper than hashing them; many are hashed, so that they cannot cost much more.
private struct SeenNames {
  private var few: [String] = []
  private var many: Set<String> = []
  private static let mostLookedThrough = 8

  /// Whether it is the first of its kind.
  mutating func insert(_ name: String) -> Bool {
    guard !few.contains(name) else { return false }
    guard few.count == Self.mostLookedThrough else {
      few.append(name)
      return true
    }
    return many.insert(name).inserted
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { self &- 48 < 10 }

  var hexadecimalDigit: UInt8? {
    switch self {
    case 48...57: self - 48
    case 65...70: self - 55
    case 97...102: self - 87
    default: nil
    }
  }
}
