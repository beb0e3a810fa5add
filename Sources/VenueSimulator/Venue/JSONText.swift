package import Market

/// Bytes of a JSON message, written as an interpolated literal. What is put in as `text` must need no escapes.
package struct JSONText: ExpressibleByStringInterpolation, Sendable {
  package private(set) var bytes: [UInt8]

  package init(stringLiteral value: String) { bytes = Array(value.utf8) }

  package init(stringInterpolation: StringInterpolation) { bytes = stringInterpolation.bytes }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// `[a,b,…]`
  static func array(_ items: some Sequence<JSONText>) -> JSONText {
    var bytes: [UInt8] = [UInt8(ascii: "[")]
    for item in items {
      if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: item.bytes)
    }
    bytes.append(UInt8(ascii: "]"))
    return JSONText(bytes)
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var bytes: [UInt8] = []

    package init(literalCapacity: Int, interpolationCount: Int) {
      bytes.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    package mutating func appendLiteral(_ literal: String) { bytes.append(contentsOf: literal.utf8) }

    package mutating func appendInterpolation(_ value: some BinaryInteger) {
      guard let small = Int64(exactly: value) else { return bytes.append(contentsOf: String(value).utf8) }
      bytes.append(integer: small)
    }

    package mutating func appendInterpolation(_ value: JSONText) { bytes.append(contentsOf: value.bytes) }

    package mutating func appendInterpolation(_ value: Bool) { appendLiteral(value ? "true" : "false") }

    package mutating func appendInterpolation(text: String) { bytes.append(contentsOf: text.utf8) }

    /// Eight fraction digits.
    package mutating func appendInterpolation(_ value: Decimal8) { bytes.append(decimal: value, isTrimmed: false) }

    /// Without trailing zeros.
    package mutating func appendInterpolation(short value: Decimal8) { bytes.append(decimal: value, isTrimmed: true) }

    package mutating func appendInterpolation(quoted text: String) {
      bytes.append(UInt8(ascii: "\""))
      for byte in text.utf8 {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
        bytes.append(byte < 0x20 ? UInt8(ascii: " ") : byte)
      }
      bytes.append(UInt8(ascii: "\""))
    }
  }
}

extension [UInt8] {
  mutating func append(integer value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(digits: value.magnitude, width: 1)
  }

  /// At least `width` digits.
  mutating func append(digits value: UInt64, width: Int) {
    var rest = value
    var count = 0
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      repeat {
        let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
        digits[count] = UInt8(digit) + UInt8(ascii: "0")
        rest = quotient
        count += 1
      } while rest > 0 || count < width
      for index in stride(from: count - 1, through: 0, by: -1) { append(digits[index]) }
    }
  }

  mutating func append(decimal value: Decimal8, isTrimmed: Bool) {
    guard let units = UInt64(exactly: value.units.magnitude) else {
      return append(contentsOf: value.description.utf8)
    }
    if value.units < 0 { append(UInt8(ascii: "-")) }
    let (whole, fraction) = units.quotientAndRemainder(dividingBy: 100_000_000)
    append(digits: whole, width: 1)
    if isTrimmed, fraction == 0 { return }
    append(UInt8(ascii: "."))
    append(digits: fraction, width: 8)
    guard isTrimmed else { return }
    while last == UInt8(ascii: "0") { removeLast() }
  }
}

extension Timestamp {
  /// ISO 8601 in UTC with six fraction digits always.
  var inMicroseconds: String { fixed(microseconds % 1_000_000, digits: 6) }

  /// ISO 8601 in UTC with three fraction digits always.
  var inMilliseconds: String { fixed(microseconds % 1_000_000 / 1000, digits: 3) }

  /// ISO 8601 in UTC without fraction digits.
  var inSeconds: String { Timestamp(microseconds: seconds * 1_000_000).description }

  private func fixed(_ fraction: Int64, digits: Int) -> String {
    let text = String(fraction)
    return inSeconds.dropLast() + "." + String(repeating: "0", count: digits - text.count) + text + "Z"
  }

  /// Whole seconds since 1970, rounded down.
  var seconds: Int64 { microseconds.flooredQuotient(1_000_000) }

  init(seconds: Int64) { self.init(microseconds: seconds * 1_000_000) }
}
