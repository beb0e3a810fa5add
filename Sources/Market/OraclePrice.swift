/// An oracle's price with its eighteen fraction digits; the range is that of `Int128`, about 1.7e20.
package struct OraclePrice: Hashable, Comparable, Sendable {
  /// The value times 10¹⁸.
  package let units: Int128

  package static let fractionDigits = 18
  private static let scale: Int128 = 1_000_000_000_000_000_000

  package init(units: Int128) { self.units = units }

  /// `nil` if the value needs more digits than eighteen fraction digits, or more than `Int128` holds.
  ///
  /// - Parameter decimals: fraction digits that `value` has; 8 for the aggregators on a chain.
  package init?(_ value: Int128, decimals: Int) {
    guard (0...Self.fractionDigits).contains(decimals) else { return nil }
    var units = value
    for _ in decimals..<Self.fractionDigits {
      let (next, overflow) = units.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      units = next
    }
    self.units = units
  }

  package init(_ price: Decimal8) { units = price.units * 10_000_000_000 }

  /// Reads plain decimal text such as `65000.5`; no exponent, sign `+` or spaces. More than eighteen fraction digits
  /// are accepted only if the rest are zeros.
  package init?(_ text: some Sequence<UInt8>) {
    var value: Int128 = 0
    var digits = 0
    var fraction = -1
    var isNegative = false
    var isFirst = true
    for byte in text {
      if byte.isDigit {
        digits += 1
        if fraction >= Self.fractionDigits {
          guard byte == UInt8(ascii: "0") else { return nil }
          continue
        }
        if fraction >= 0 { fraction += 1 }
        let (shifted, tooWide) = value.multipliedReportingOverflow(by: 10)
        let (sum, tooLarge) = shifted.addingReportingOverflow(Int128(byte - UInt8(ascii: "0")))
        guard !tooWide, !tooLarge else { return nil }
        value = sum
      } else if byte == UInt8(ascii: "."), fraction < 0, digits > 0 {
        fraction = 0
      } else if byte == UInt8(ascii: "-"), isFirst {
        isNegative = true
      } else {
        return nil
      }
      isFirst = false
    }
    guard digits > 0 else { return nil }
    self.init(isNegative ? -value : value, decimals: max(fraction, 0))
  }

  package static func < (a: OraclePrice, b: OraclePrice) -> Bool { a.units < b.units }

  package var doubleValue: Double { Double(nearest: units) / 1e18 }

  /// The nearest price with eight fraction digits, halves away from zero; `nil` outside their range.
  package var rounded: Decimal8? {
    let (quotient, remainder) = units.quotientAndRemainder(dividingBy: 10_000_000_000)
    let up: Int128 = remainder.magnitude >= 5_000_000_000 ? (units < 0 ? -1 : 1) : 0
    return Decimal8(units: quotient + up)
  }
}

extension OraclePrice: CustomStringConvertible {
  /// Eighteen fraction digits always.
  package var description: String {
    let (whole, fraction) = units.magnitude.quotientAndRemainder(dividingBy: Self.scale.magnitude)
    let digits = String(fraction)
    return (units < 0 ? "-" : "") + String(whole) + "."
      + String(repeating: "0", count: Self.fractionDigits - digits.count) + digits
  }

  package init?(_ text: String) { self.init(text.utf8) }
}
