/// An exact decimal with eight fraction digits, the range of `DECIMAL(20,8)`.
package struct Decimal8: Hashable, Comparable, Sendable {
  /// The value times 10⁸.
  package let units: Int128

  package static let zero = Decimal8(unchecked: 0)
  package static let scale: Int128 = 100_000_000
  private static let limit: Int128 = 100_000_000_000_000_000_000

  /// `nil` outside the twenty digits of `DECIMAL(20,8)`.
  package init?(units: Int128) {
    guard units > -Self.limit, units < Self.limit else { return nil }
    self.units = units
  }

  private init(unchecked units: Int128) { self.units = units }

  package static func < (a: Decimal8, b: Decimal8) -> Bool { a.units < b.units }

  /// The nearest `Double`, the one that reading the decimal text gives, for magnitudes below 90 million.
  package var doubleValue: Double { Double(nearest: units) / 100_000_000 }

  /// Reads plain decimal text such as `42.50`, `-0.1` or `1e-7`'s expansion; no exponent, sign `+` or spaces.
  ///
  /// More than eight fraction digits are accepted only if the rest are zeros. `nil` for anything else or out of range.
  package init?(_ text: some Sequence<UInt8>) {
    var digits: UInt64 = 0
    var wide: Int128 = 0
    var count = 0
    var fraction = -1
    var negative = false
    var isFirst = true
    for byte in text {
      if byte.isDigit {
        if fraction >= 8 {
          guard byte == 48 else { return nil }
          continue
        }
        if fraction >= 0 { fraction += 1 }
        count += 1
        guard count <= 30 else { return nil }
        if count <= 19 {
          digits = digits &* 10 &+ UInt64(byte &- 48)
          if count == 19 { wide = Int128(digits) }
        } else {
          wide = wide * 10 + Int128(byte - 48)
        }
      } else if byte == UInt8(ascii: "."), fraction < 0 {
        fraction = 0
      } else if byte == UInt8(ascii: "-"), isFirst {
        negative = true
      } else {
        return nil
      }
      isFirst = false
    }
    guard count > 0 else { return nil }
    let missing = 8 - max(fraction, 0)
    let magnitude: Int128
    if count + missing <= 19 {
      magnitude = Int128(digits &* Self.powersOfTen[missing])
    } else {
      magnitude = (count <= 19 ? Int128(digits) : wide) * Int128(Self.powersOfTen[missing])
    }
    self.init(units: negative ? -magnitude : magnitude)
  }

  /// The same from bytes as they come, cheaply enough for millions a second.
  package init?(utf8 text: UnsafeBufferPointer<UInt8>) {
    guard text.count <= 19 else {
      self.init(text)
      return
    }
    var digits: UInt64 = 0
    var point: Int?
    let start = text.first == UInt8(ascii: "-") ? 1 : 0
    for index in start..<max(start, text.count) {
      let byte = text[index]
      if byte.isDigit {
        digits = digits &* 10 &+ UInt64(byte &- 48)
      } else {
        guard byte == UInt8(ascii: "."), point == nil else { return nil }
        point = index
      }
    }
    let places = point.map { text.count - 1 - $0 } ?? 0
    let hasDigits = text.count - start - (point == nil ? 0 : 1) > 0
    guard hasDigits, places <= 8 else {
      self.init(text)
      return
    }
    let magnitude = Int128(digits) * Int128(Self.powersOfTen[8 - places])
    self.init(units: start == 1 ? -magnitude : magnitude)
  }

  private static let powersOfTen: [UInt64] = [1, 10, 100, 1000, 10000, 100_000, 1_000_000, 10_000_000, 100_000_000]
}

extension Decimal8: CustomStringConvertible {
  /// Eight fraction digits always, as the venues print it.
  package var description: String {
    let (whole, fraction) = units.magnitude.quotientAndRemainder(dividingBy: UInt128(Self.scale))
    let digits = String(fraction)
    return (units < 0 ? "-" : "") + String(whole) + "." + String(repeating: "0", count: 8 - digits.count) + digits
  }

  package init?(_ text: String) { self.init(text.utf8) }
}
