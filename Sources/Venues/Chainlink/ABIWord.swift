/// Reading and writing of 32-byte big-endian words, in which contracts and reports keep everything.
enum ABIWord {
  static let size = 32

  /// An unsigned integer of at most 64 bits; `nil` if the word holds more.
  static func unsigned(_ word: some RandomAccessCollection<UInt8>) -> UInt64? {
    guard let wide = wide(word) else { return nil }
    return UInt64(exactly: wide)
  }

  /// An unsigned integer of at most 128 bits; `nil` if the word holds more.
  static func wide(_ word: some RandomAccessCollection<UInt8>) -> UInt128? {
    guard word.count == size, word.prefix(16).allSatisfy({ $0 == 0 }) else { return nil }
    return word.suffix(16).reduce(0) { $0 << 8 | UInt128($1) }
  }

  /// A signed integer, two's complement over the whole word; `nil` beyond 128 bits.
  static func signed(_ word: some RandomAccessCollection<UInt8>) -> Int128? {
    guard word.count == size else { return nil }
    let low = word.suffix(16)
    let fill: UInt8 = (low.first ?? 0) & 0x80 == 0 ? 0 : 0xFF
    guard word.prefix(16).allSatisfy({ $0 == fill }) else { return nil }
    return Int128(truncatingIfNeeded: low.reduce(UInt128(0)) { $0 << 8 | UInt128($1) })
  }

  static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    let fill: UInt8 = value < 0 ? 0xFF : 0
    let low = Int128(truncatingIfNeeded: value)
    let digits = stride(from: Int128(120), through: 0, by: -8).map { UInt8(truncatingIfNeeded: low >> $0) }
    return [UInt8](repeating: fill, count: 16) + digits
  }
}
