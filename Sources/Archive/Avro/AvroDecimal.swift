/// Unscaled decimals as two's complement, most significant byte first.
enum AvroDecimal {
  /// `nil` if it does not fit; no bytes are zero.
  static func units(_ bytes: ArraySlice<UInt8>) -> Int128? {
    let isNegative = (bytes.first ?? 0) >= 0x80
    let filler: UInt8 = isNegative ? 0xFF : 0
    let significant = bytes.drop { $0 == filler }
    guard significant.count < 16 || significant.count == 16 && (significant.first ?? 0 >= 0x80) == isNegative else {
      return nil
    }
    return significant.reduce(isNegative ? -1 : 0) { $0 << 8 | Int128($1) }
  }

  /// The fewest bytes that hold it, at least one.
  static func shortest(_ units: Int128) -> [UInt8] {
    var bytes = fixed(units, size: 16) ?? []
    while bytes.count > 1, bytes[0] == 0 && bytes[1] < 0x80 || bytes[0] == 0xFF && bytes[1] >= 0x80 {
      bytes.removeFirst()
    }
    return bytes
  }

  /// `nil` if it does not fit.
  static func fixed(_ units: Int128, size: Int) -> [UInt8]? {
    if size < 16 {
      let limit = size < 1 ? 0 : Int128(1) << (8 * size - 1)
      guard units < limit, units >= -limit else { return nil }
    }
    return (0..<size).reversed().map { place in
      UInt8(truncatingIfNeeded: place < 16 ? units >> Int128(8 * place) : units < 0 ? -1 : 0)
    }
  }

  static func powerOfTen(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

  /// To the nearest unit, as exact as the number is; `nil` outside of a decimal's 38 digits.
  static func units(_ value: Double, scale: Int) -> Int128? {
    let whole = value.rounded(.towardZero)
    guard value.isFinite, let units = Int128(exactly: whole) else { return nil }
    let power = powerOfTen(scale)
    let (high, overflow) = units.multipliedReportingOverflow(by: power)
    guard !overflow, let low = Int128(exactly: ((value - whole) * Double(power)).rounded()) else { return nil }
    let (sum, tooLarge) = high.addingReportingOverflow(low)
    return tooLarge ? nil : sum
  }
}
