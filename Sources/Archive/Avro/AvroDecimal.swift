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
    withUnsafeBytes(of: units.bigEndian) { bytes in
      let filler: UInt8 = units < 0 ? 0xFF : 0
      var start = 0
      while start < 15, bytes[start] == filler, (bytes[start + 1] >= 0x80) == (units < 0) { start += 1 }
      return Array(bytes[start...])
    }
  }

  /// `nil` if it does not fit.
  static func fixed(_ units: Int128, size: Int) -> [UInt8]? {
    let bytes = shortest(units)
    guard bytes.count <= size else { return nil }
    return Array(repeating: units < 0 ? 0xFF : 0, count: size - bytes.count) + bytes
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
