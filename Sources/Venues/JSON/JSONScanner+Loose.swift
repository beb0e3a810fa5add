import Market

extension JSONScanner {
  /// ISO 8601 text of this century; what is finer than a microsecond is cut.
  mutating func isoTime(_ field: StaticString) throws(VenueError) -> Timestamp {
    let text = try rawString()
    guard (20...40).contains(text.count), text[4] == UInt8(ascii: "-"),
      let time = Timestamp(Self.cutToMicroseconds(text)),
      let plausible = Timestamp(plausible: time.microseconds, unitsPerSecond: 1_000_000)
    else { throw .badValue(field: "\(field)", value: text.shown, reason: "no ISO 8601 time of this century") }
    return plausible
  }

  private static func cutToMicroseconds(_ text: UnsafeBufferPointer<UInt8>) -> String {
    guard let point = text.firstIndex(of: UInt8(ascii: ".")) else { return String(decoding: text, as: UTF8.self) }
    let end = text[(point + 1)...].firstIndex { !$0.isDigit } ?? text.endIndex
    return String(decoding: text[..<min(end, point + 7)], as: UTF8.self) + String(decoding: text[end...], as: UTF8.self)
  }

  /// An amount that the venue has computed in floating point: it may have an exponent and more than eight places, and is
  /// rounded to eight, half up.
  mutating func computedAmount(_ field: StaticString) throws(VenueError) -> Decimal8 {
    let text = peek() == .string ? try rawString() : try numberText()
    guard let value = Decimal8(text) ?? Decimal8(computed: text), value.units >= 0 else {
      throw .badValue(field: "\(field)", value: text.shown, reason: "no amount")
    }
    return value
  }
}

extension Decimal8 {
  /// Digits with a point and an exponent at most; `nil` below zero.
  fileprivate init?(computed text: UnsafeBufferPointer<UInt8>) {
    let parts = text.split(whereSeparator: { $0 | 0x20 == UInt8(ascii: "e") })
    guard (1...2).contains(parts.count), let (digits, places) = Self.digits(parts[0]) else { return nil }
    var exponent = 8 - places
    if parts.count == 2 {
      guard let shift = Int(String(decoding: parts[1], as: UTF8.self)), (-60...60).contains(shift) else { return nil }
      exponent += shift
    }
    guard let units = digits.shifted(by: exponent) else { return nil }
    self.init(units: units)
  }

  private static func digits(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> (Int128, places: Int)? {
    var (value, places, hasPoint, count): (Int128, Int, Bool, Int) = (0, 0, false, 0)
    for byte in text {
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else {
        guard byte.isDigit, count < 36 else { return nil }
        value = value * 10 + Int128(byte - 48)
        count += 1
        places += hasPoint ? 1 : 0
      }
    }
    return count > 0 ? (value, places) : nil
  }
}

extension Int128 {
  /// Times a power of ten, rounded half up; `nil` if it does not fit.
  fileprivate func shifted(by exponent: Int) -> Int128? {
    var value = self
    for _ in 0..<Swift.max(exponent, 0) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      value = product
    }
    guard exponent < 0 else { return value }
    for _ in 0..<(-exponent - 1) { value /= 10 }
    return (value + 5) / 10
  }
}
