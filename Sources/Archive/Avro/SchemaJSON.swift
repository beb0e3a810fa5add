import Market

/// A JSON text as schemas are written in, with its nesting bounded.
indirect enum SchemaJSON: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case number(Double)
  case text(String)
  case array([SchemaJSON])
  /// In the order of the text; of members of one name the first counts.
  case object([Member])

  struct Member: Hashable, Sendable {
    let name: String
    let value: SchemaJSON
  }

  static let deepest = 64

  init(_ text: [UInt8]) throws(AvroFault) {
    var parser = Parser(bytes: text)
    self = try parser.value(depth: 0)
    try parser.end()
  }

  subscript(name: String) -> SchemaJSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  var string: String? {
    guard case .text(let value) = self else { return nil }
    return value
  }

  var integer: Int? {
    guard case .integer(let value) = self else { return nil }
    return Int(value)
  }

  var elements: [SchemaJSON]? {
    guard case .array(let values) = self else { return nil }
    return values
  }

  private struct Parser {
    let bytes: [UInt8]
    var position = 0

    mutating func value(depth: Int) throws(AvroFault) -> SchemaJSON {
      guard depth <= SchemaJSON.deepest else { throw AvroFault("it is nested more than \(SchemaJSON.deepest) deep") }
      skipSpace()
      switch peek {
      case UInt8(ascii: "{"): return .object(try members(depth: depth))
      case UInt8(ascii: "["): return .array(try elements(depth: depth))
      case UInt8(ascii: "\""): return .text(try string())
      case UInt8(ascii: "t"): return try word("true", .boolean(true))
      case UInt8(ascii: "f"): return try word("false", .boolean(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      default: return try number()
      }
    }

    mutating func end() throws(AvroFault) {
      skipSpace()
      guard position == bytes.count else { throw fault("the end") }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ expected: String) -> AvroFault {
      AvroFault("at byte \(position) of its JSON: \(expected) expected")
    }

    private mutating func skipSpace() { while let byte = peek, [9, 10, 13, 32].contains(byte) { position += 1 } }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard peek == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    private mutating func word(_ text: StaticString, _ value: SchemaJSON) throws(AvroFault) -> SchemaJSON {
      let end = position + text.utf8CodeUnitCount
      guard end <= bytes.count, bytes[position..<end].elementsEqual("\(text)".utf8) else { throw fault("\(text)") }
      position = end
      return value
    }

    private mutating func members(depth: Int) throws(AvroFault) -> [Member] {
      position += 1
      var result: [Member] = []
      if take("}") { return result }
      repeat {
        skipSpace()
        let name = try string()
        guard take(":") else { throw fault("':'") }
        result.append(Member(name: name, value: try value(depth: depth + 1)))
      } while take(",")
      guard take("}") else { throw fault("'}'") }
      return result
    }

    private mutating func elements(depth: Int) throws(AvroFault) -> [SchemaJSON] {
      position += 1
      var result: [SchemaJSON] = []
      if take("]") { return result }
      repeat { result.append(try value(depth: depth + 1)) } while take(",")
      guard take("]") else { throw fault("']'") }
      return result
    }

    private mutating func number() throws(AvroFault) -> SchemaJSON {
      let start = position
      while let byte = peek, byte.isDigit || "+-.eE".utf8.contains(byte) { position += 1 }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      if let value = Int64(text) { return .integer(value) }
      guard let first = text.utf8.first, first.isDigit || first == UInt8(ascii: "-"), let value = Double(text) else {
        position = start
        throw fault("a value")
      }
      return .number(value)
    }

    private mutating func string() throws(AvroFault) -> String {
      guard peek == UInt8(ascii: "\"") else { throw fault("a text") }
      position += 1
      var text: [UInt8] = []
      while let byte = peek, byte != UInt8(ascii: "\"") {
        position += 1
        if byte == UInt8(ascii: "\\") { text += Array(String(try escaped()).utf8) } else { text.append(byte) }
      }
      guard peek != nil else { throw fault("the end of a text") }
      position += 1
      return String(decoding: text, as: UTF8.self)
    }

    private mutating func escaped() throws(AvroFault) -> Unicode.Scalar {
      guard let byte = peek else { throw fault("an escaped character") }
      position += 1
      switch byte {
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{C}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "u"): return try unicode()
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
      default: throw fault("an escape that JSON knows")
      }
    }

    private mutating func unicode() throws(AvroFault) -> Unicode.Scalar {
      let first = try fourDigits()
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard first < 0xDC00, peek == UInt8(ascii: "\\") else { throw fault("the second half of a character") }
      position += 1
      guard peek == UInt8(ascii: "u") else { throw fault("the second half of a character") }
      position += 1
      let second = try fourDigits()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw fault("the second half of a character") }
      return scalar
    }

    private mutating func fourDigits() throws(AvroFault) -> UInt32 {
      let end = position + 4
      guard end <= bytes.count,
        let value = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16),
        bytes[position] != UInt8(ascii: "+"), bytes[position] != UInt8(ascii: "-")
      else { throw fault("four hexadecimal digits") }
      position = end
      return value
    }
  }
}
