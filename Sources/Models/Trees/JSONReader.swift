/// A pull parser over JSON bytes for large files of numbers. It never reads outside them and nests without recursion.
struct JSONReader {
  struct Failure: Error {
    let offset: Int
    let expected: String
  }

  private let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Calls `body` after each key; `body` must consume the value.
  mutating func object(_ body: (inout JSONReader, String) throws -> Void) throws {
    try expect("{")
    if consume("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try body(&self, key)
    } while consume(",")
    try expect("}")
  }

  /// Calls `body` before each element; `body` must consume it.
  mutating func array(_ body: (inout JSONReader) throws -> Void) throws {
    try expect("[")
    if consume("]") { return }
    repeat { try body(&self) } while consume(",")
    try expect("]")
  }

  mutating func floats(atMost limit: Int) throws -> [Float] { try numbers(atMost: limit) { Float($0) } }

  mutating func integers(atMost limit: Int) throws -> [Int32] { try numbers(atMost: limit) { Int32($0) } }

  /// A string without escapes other than those of one character, which is all that model files need for keys and numbers.
  mutating func string() throws -> String {
    try expect("\"")
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
      offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard offset < bytes.count else { throw failure("end of string") }
    defer { offset += 1 }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  mutating func skipValue() throws {
    var depth = 0
    repeat {
      skipSpace()
      guard offset < bytes.count else { throw failure("a value") }
      switch bytes[offset] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        offset += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        offset += 1
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: ","), UInt8(ascii: ":"): offset += 1
      default: skipScalar()
      }
      guard depth >= 0 else { throw failure("a value") }
    } while depth > 0
  }

  mutating func expectEnd() throws {
    skipSpace()
    guard offset == bytes.count else { throw failure("end of file") }
  }

  func failure(_ expected: String) -> Failure { Failure(offset: offset, expected: expected) }

  private mutating func numbers<T>(atMost limit: Int, _ parse: (String) -> T?) throws -> [T] {
    var result: [T] = []
    try array { reader in
      guard result.count < limit else { throw reader.failure("at most \(limit) elements") }
      guard let value = parse(reader.numberToken()) else { throw reader.failure("a number in range") }
      result.append(value)
    }
    return result
  }

  private mutating func numberToken() -> String {
    skipSpace()
    let start = offset
    while offset < bytes.count, Self.isNumeric(bytes[offset]) { offset += 1 }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private static func isNumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
    default: false
    }
  }

  private mutating func skipScalar() {
    let start = offset
    while offset < bytes.count, !Self.endsScalar(bytes[offset]) { offset += 1 }
    if offset == start { offset += 1 }
  }

  private static func endsScalar(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"), 9, 10, 13, 32: true
    default: false
    }
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
    guard consume(character) else { throw failure("“\(character)”") }
  }

  private mutating func consume(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func skipSpace() {
    while offset < bytes.count, bytes[offset] <= 32 { offset += 1 }
  }
}
