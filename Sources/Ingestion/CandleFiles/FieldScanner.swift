import Market

/// Reads the fields of one line in order. The first fault is kept and ends the reading.
///
/// Unsafe pointers because this is the innermost loop of an import: with arrays or strings it takes several times as
/// long.
struct FieldScanner {
  struct Fault {
    let column: Int
    let rule: String
  }

  private(set) var fault: Fault?
  /// Amounts that had more than eight decimals.
  private(set) var roundedAmounts = 0
  /// Fields begun so far.
  private(set) var column = 0
  private var next: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>
  private var isExhausted = false

  init(_ start: UnsafePointer<UInt8>, count: Int) { (next, end) = (start, start + count) }

  /// Every field was read and none is left.
  var isComplete: Bool { isExhausted && fault == nil }

  /// Why a line that is not complete is not.
  var faultOrExcess: Fault { fault ?? Fault(column: column, rule: "the line has no further column") }

  /// A price; `nil` if the field is empty or at fault.
  mutating func price() -> Decimal8? { decimal(isRounding: false) }

  /// A volume; `nil` if the field is empty or at fault. Venues that add volumes up in floating point publish
  /// `1.6854500000000001`, so decimals behind the eighth are rounded away, and that is counted.
  mutating func amount() -> Decimal8? { decimal(isRounding: true) }

  private mutating func decimal(isRounding: Bool) -> Decimal8? {
    guard begin() else { return nil }
    let start = next
    var digits: UInt64 = 0
    var count = 0
    var point: UnsafePointer<UInt8>?
    while next < end {
      let digit = next.pointee &- 48
      if digit < 10 {
        digits = digits &* 10 &+ UInt64(digit)
        count &+= 1
      } else if next.pointee == UInt8(ascii: "."), point == nil {
        point = next
      } else {
        break
      }
      next += 1
    }
    let fraction = point.map { next - $0 - 1 } ?? 0
    let missing = 8 - fraction
    guard isAtFieldEnd, count > 0, missing >= 0, count + missing <= 18 else {
      return slowDecimal(from: start, isRounding: isRounding)
    }
    finish()
    return Decimal8(units: Int128(Int64(digits &* Self.powersOfTen[missing])))
  }

  /// A time or a count; `nil` if the field is empty or at fault.
  mutating func integer() -> Int64? {
    guard begin() else { return nil }
    let start = next
    var number: Int64 = 0
    while next < end, next.pointee &- 48 < 10 {
      number = number &* 10 &+ Int64(next.pointee &- 48)
      next += 1
    }
    let count = next - start
    guard isAtFieldEnd, count <= 18 else {
      skipField()
      fail("a whole number")
      return nil
    }
    finish()
    return count > 0 ? number : nil
  }

  /// `True` or `False`, in any case; `nil` if the field is empty or at fault.
  mutating func boolean() -> Bool? {
    guard begin() else { return nil }
    let start = next
    skipField()
    let text = UnsafeBufferPointer(start: start, count: next - start)
    defer { finish() }
    guard !text.isEmpty else { return nil }
    if text.elementsEqual("true".utf8, by: { $0 | 0x20 == $1 }) { return true }
    if text.elementsEqual("false".utf8, by: { $0 | 0x20 == $1 }) { return false }
    fail("True or False")
    return nil
  }

  mutating func ignore() {
    guard begin() else { return }
    skipField()
    finish()
  }

  /// The value of a field that must not be empty.
  mutating func required<Value>(_ value: Value?) -> Value? {
    if value == nil, fault == nil { fail("the field is not empty") }
    return value
  }

  mutating func fail(_ rule: String) {
    if fault == nil { fault = Fault(column: column - 1, rule: rule) }
  }

  // MARK: Parts

  private var isAtFieldEnd: Bool { next == end || next.pointee == UInt8(ascii: ",") }

  private mutating func begin() -> Bool {
    guard fault == nil else { return false }
    column &+= 1
    guard !isExhausted else {
      fail("the line has every column")
      return false
    }
    return true
  }

  private mutating func finish() {
    if next == end { isExhausted = true } else { next += 1 }
  }

  private mutating func skipField() {
    while !isAtFieldEnd { next += 1 }
  }

  /// Signs, long numbers and long fractions.
  private mutating func slowDecimal(from start: UnsafePointer<UInt8>, isRounding: Bool) -> Decimal8? {
    skipField()
    let text = UnsafeBufferPointer(start: start, count: next - start)
    defer { finish() }
    guard !text.isEmpty else { return nil }
    if let value = Decimal8(text) { return value }
    if isRounding, let value = Decimal8(rounding: text) {
      roundedAmounts += 1
      return value
    }
    fail("a decimal number of at most 12 digits before the point" + (isRounding ? "" : " and 8 after it"))
    return nil
  }

  private static let powersOfTen: [UInt64] = [1, 10, 100, 1000, 10000, 100_000, 1_000_000, 10_000_000, 100_000_000]
}

extension Decimal8 {
  /// The nearest value to plain decimal text with any number of decimals; halves away from zero.
  fileprivate init?(rounding text: UnsafeBufferPointer<UInt8>) {
    guard let point = text.firstIndex(of: UInt8(ascii: ".")), text.count > point + 9,
      let kept = Decimal8(text[..<(point + 9)]), text[(point + 9)...].allSatisfy(\.isDigit)
    else { return nil }
    let step: Int128 = text[point + 9] < UInt8(ascii: "5") ? 0 : text[0] == UInt8(ascii: "-") ? -1 : 1
    self.init(units: kept.units + step)
  }
}
