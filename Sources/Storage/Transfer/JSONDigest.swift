/// What a JSON value says, however it is written: the order of members, blanks, escapes and the spelling of numbers do
/// not matter, because a database may keep the value and not the text.
struct JSONDigest {
  private static let deepest = 200
  private var rest: Substring.UTF8View
  private var depth = 0

  /// `nil` for a text that is no JSON.
  static func of(_ text: String) -> UInt64? {
    var digest = JSONDigest(rest: text[...].utf8)
    guard let value = digest.value() else { return nil }
    digest.skipBlanks()
    return digest.rest.isEmpty ? value : nil
  }

  private init(rest: Substring.UTF8View) { self.rest = rest }

  private mutating func value() -> UInt64? {
    skipBlanks()
    switch rest.first {
    case UInt8(ascii: "{"): return object()
    case UInt8(ascii: "["): return array()
    case UInt8(ascii: "\""): return string().map { ContentDigest.folded($0, into: 3) }
    case nil: return nil
    default: return word()
    }
  }

  private mutating func object() -> UInt64? {
    var sum: UInt64 = 1
    let isWhole = members(until: UInt8(ascii: "}")) { digest in
      guard let name = digest.string() else { return false }
      digest.skipBlanks()
      guard digest.take(UInt8(ascii: ":")), let value = digest.value() else { return false }
      sum &+= ContentDigest.mixed(ContentDigest.folded(name, into: 5) ^ value)
      return true
    }
    return isWhole ? ContentDigest.mixed(sum) : nil
  }

  private mutating func array() -> UInt64? {
    var hash: UInt64 = 2
    let isWhole = members(until: UInt8(ascii: "]")) { digest in
      guard let value = digest.value() else { return false }
      hash = ContentDigest.mixed(hash ^ value)
      return true
    }
    return isWhole ? hash : nil
  }

  /// What stands between brackets, separated by commas.
  private mutating func members(until end: UInt8, _ one: (inout JSONDigest) -> Bool) -> Bool {
    guard depth < Self.deepest else { return false }
    depth += 1
    defer { depth -= 1 }
    rest.removeFirst()
    skipBlanks()
    if take(end) { return true }
    while true {
      skipBlanks()
      guard one(&self) else { return false }
      skipBlanks()
      if take(end) { return true }
      guard take(UInt8(ascii: ",")) else { return false }
    }
  }

  private mutating func word() -> UInt64? {
    let text = String(Substring(rest.prefix { !",]} \t\r\n".utf8.contains($0) }))
    rest = rest.dropFirst(text.utf8.count)
    switch text {
    case "null": return 11
    case "true": return 12
    case "false": return 13
    default: return Double(text).map { ContentDigest.mixed(($0 == 0 ? 0 : $0).bitPattern ^ 4) }
    }
  }

  private mutating func string() -> String? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        bytes += Array(String(scalar).utf8)
      default: bytes.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    switch rest.popFirst() {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "u"):
      guard let high = unit() else { return nil }
      guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) }
      guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = unit(), (0xDC00..<0xE000).contains(low)
      else { return nil }
      return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    case let other?: return Unicode.Scalar(other)
    case nil: return nil
    }
  }

  private mutating func unit() -> UInt32? {
    let digits = rest.prefix(4)
    guard digits.count == 4, let value = UInt32(String(Substring(digits)), radix: 16) else { return nil }
    rest = rest.dropFirst(4)
    return value
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard rest.first == byte else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func skipBlanks() { rest = rest.drop { " \t\r\n".utf8.contains($0) } }
}
