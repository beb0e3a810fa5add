/// Little-endian integers and variable-length numbers (LEB128, signed ones folded) at the end of bytes.
extension [UInt8] {
  mutating func append(fixed value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  mutating func append(variable value: UInt64) {
    var rest = value
    while rest > 0x7F {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  mutating func append(signed value: Int64) { append(variable: UInt64(bitPattern: value << 1 ^ value >> 63)) }

  mutating func append(counted bytes: some Collection<UInt8>) {
    append(variable: UInt64(bytes.count))
    append(contentsOf: bytes)
  }
}

/// Reads what the extension above writes; `nil` wherever the bytes do not have it.
struct TapeScanner {
  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int

  init(_ bytes: ArraySlice<UInt8>) { (self.bytes, position) = (bytes, bytes.startIndex) }

  var isAtEnd: Bool { position == bytes.endIndex }

  mutating func fixed<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
    let count = Value.bitWidth / 8
    guard bytes.endIndex - position >= count else { return nil }
    var value: Value = 0
    for offset in (0..<count).reversed() { value = value << 8 | Value(truncatingIfNeeded: bytes[position + offset]) }
    position += count
    return value
  }

  mutating func byte() -> UInt8? {
    guard position < bytes.endIndex else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func variable() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.endIndex, shift < 64 {
      let byte = bytes[position]
      position += 1
      guard shift < 63 || byte <= 1 else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  mutating func signed() -> Int64? {
    variable().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
  }

  mutating func counted() -> ArraySlice<UInt8>? {
    guard let count = variable(), count <= UInt64(bytes.endIndex - position) else { return nil }
    defer { position += Int(count) }
    return bytes[position..<position + Int(count)]
  }
}
