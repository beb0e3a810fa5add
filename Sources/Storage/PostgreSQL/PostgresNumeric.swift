import Market

/// The binary form of a `NUMERIC`: groups of four decimal digits, the power of ten thousand of the first, and a sign.
struct PostgresNumeric {
  private let bytes: UnsafeRawBufferPointer
  private let weight: Int
  private let isNegative: Bool

  /// `nil` for bytes that are no number: what is infinite, not a number, or cut off.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 8 else { return nil }
    func word(_ index: Int) -> UInt16 {
      UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    }
    guard bytes.count == 8 + 2 * Int(word(0)), word(2) == 0 || word(2) == 0x4000 else { return nil }
    self.bytes = UnsafeRawBufferPointer(rebasing: bytes[8...])
    weight = Int(Int16(bitPattern: word(1)))
    isNegative = word(2) == 0x4000
  }

  private var groups: Int { bytes.count / 2 }

  private func group(_ index: Int) -> UInt16? {
    let value = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    return value < 10_000 ? value : nil
  }

  /// The number times ten thousand to the `fraction`, with the digits after that, fewer than four, put into `rest`;
  /// `nil` if there are more digits than that or the number is too large.
  private func scaled(_ fraction: Int, rest: inout UInt16) -> UInt128? {
    var value: UInt128 = 0
    var small: UInt64 = 0
    for index in 0..<groups {
      guard let group = group(index) else { return nil }
      let place = weight - index + fraction
      if place < 0 {
        guard place == -1 || group == 0 else { return nil }
        if place == -1 { rest = group }
        continue
      }
      if place < 4 {
        small += UInt64(group) * Self.powers[place]
      } else if group > 0 {
        guard place < 10 else { return nil }
        let (part, isTooLarge) = UInt128(group).multipliedReportingOverflow(by: Self.power(place))
        let (sum, isAbove) = value.addingReportingOverflow(part)
        guard !isTooLarge, !isAbove else { return nil }
        value = sum
      }
    }
    let (sum, isAbove) = value.addingReportingOverflow(UInt128(small))
    return isAbove ? nil : sum
  }

  private static let powers: [UInt64] = [1, 10_000, 100_000_000, 1_000_000_000_000]

  private static func power(_ exponent: Int) -> UInt128 {
    (0..<exponent).reduce(1 as UInt128) { power, _ in power * 10_000 }
  }

  var decimal: Decimal8? {
    var rest: UInt16 = 0
    guard let magnitude = scaled(2, rest: &rest), rest == 0, magnitude < 1 << 100 else { return nil }
    return Decimal8(units: isNegative ? -Int128(magnitude) : Int128(magnitude))
  }

  var oraclePrice: OraclePrice? {
    var rest: UInt16 = 0
    guard let magnitude = scaled(4, rest: &rest), rest % 100 == 0 else { return nil }
    let (hundreds, isTooLarge) = magnitude.multipliedReportingOverflow(by: 100)
    let (units, isAbove) = hundreds.addingReportingOverflow(UInt128(rest / 100))
    guard !isTooLarge, !isAbove, let price = Int128(exactly: units) else { return nil }
    return OraclePrice(units: isNegative ? -price : price)
  }

  var wholeNumber: UInt64? {
    var rest: UInt16 = 0
    guard let magnitude = scaled(0, rest: &rest), rest == 0, !isNegative || magnitude == 0 else { return nil }
    return UInt64(exactly: magnitude)
  }
}
