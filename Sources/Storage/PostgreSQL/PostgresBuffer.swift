import Market

/// Values in the binary form of PostgreSQL, one field after the other: a length, -1 for null, and as many bytes.
struct PostgresBuffer: ~Copyable {
  private(set) var count = 0
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int

  init(capacity: Int = 256) {
    self.capacity = capacity
    memory = .allocate(byteCount: capacity, alignment: 8)
  }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

  mutating func removeAll() { count = 0 }

  // MARK: Fields

  mutating func putNull() { put(Int32(-1)) }

  /// Two, four or eight bytes, as the type of the column has.
  mutating func put<Value: FixedWidthInteger>(field value: Value) {
    put(Int32(MemoryLayout<Value>.size))
    put(value)
  }

  mutating func put(field flag: Bool) { put(field: UInt8(flag ? 1 : 0)) }

  mutating func put(field number: Double) { put(field: number.bitPattern) }

  mutating func put(field time: Timestamp) { put(field: time.postgresMicroseconds) }

  /// PostgreSQL has no NUL in its texts.
  mutating func put(field text: String) {
    var text = text
    text.withUTF8 { bytes in
      guard bytes.contains(0) else { return put(sized: UnsafeRawBufferPointer(bytes)) }
      let replaced = Array(bytes.flatMap { $0 == 0 ? [0xEF, 0xBF, 0xBD] : [$0] })
      replaced.withUnsafeBytes { put(sized: $0) }
    }
  }

  mutating func put(field decimal: Decimal8) {
    let magnitude = decimal.units.magnitude
    if let small = UInt64(exactly: magnitude) {
      putNumeric(isNegative: decimal.units < 0, high: 0, low: small, fraction: 2, scale: 8)
    } else {
      let (high, low) = magnitude.quotientAndRemainder(dividingBy: UInt128(Self.fourGroups))
      putNumeric(isNegative: decimal.units < 0, high: UInt64(high), low: UInt64(low), fraction: 2, scale: 8)
    }
  }

  mutating func put(field number: UInt64, asNumericOfScale scale: Int16) {
    putNumeric(isNegative: false, high: 0, low: number, fraction: 0, scale: scale)
  }

  mutating func put(field price: OraclePrice) {
    // Eighteen fraction digits are four groups and a half.
    let (rest, last) = price.units.magnitude.quotientAndRemainder(dividingBy: 100)
    let (upper, low) = rest.quotientAndRemainder(dividingBy: UInt128(Self.fourGroups))
    let (top, high) = upper.quotientAndRemainder(dividingBy: UInt128(Self.fourGroups))
    var groups: [UInt16] = []
    for part in [UInt64(top), UInt64(high), UInt64(low)] { groups += Self.groups(part) }
    groups.append(UInt16(last) * 100)
    let zeros = groups.prefix { $0 == 0 }.count
    putNumericHeader(
      groups.count - zeros, weight: groups.count - zeros - 6, isNegative: price.units < 0, scale: 18)
    for group in groups[zeros...] { put(group) }
  }

  /// Ten thousand to the fourth.
  private static let fourGroups: UInt64 = 10_000_000_000_000_000

  private static func groups(_ part: UInt64) -> [UInt16] {
    [part / 1_000_000_000_000, part / 100_000_000 % 10_000, part / 10_000 % 10_000, part % 10_000].map { UInt16($0) }
  }

  /// The number `high · 10¹⁶ + low`, of whose groups of four digits the last `fraction` stand after the point.
  private mutating func putNumeric(isNegative: Bool, high: UInt64, low: UInt64, fraction: Int, scale: Int16) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 10) { digits in
      var groups = 0
      func take(_ part: UInt64, atLeast count: Int) {
        var rest = part
        while rest > 0 || groups < count {
          digits[groups] = UInt16(truncatingIfNeeded: rest % 10_000)
          rest /= 10_000
          groups += 1
        }
      }
      take(low, atLeast: high > 0 ? 4 : 0)
      take(high, atLeast: 0)
      putNumericHeader(groups, weight: groups - 1 - fraction, isNegative: isNegative, scale: scale)
      var index = groups
      while index > 0 {
        index -= 1
        put(digits[index])
      }
    }
  }

  private mutating func putNumericHeader(_ groups: Int, weight: Int, isNegative: Bool, scale: Int16) {
    put(Int32(8 + 2 * groups))
    put(Int16(groups))
    put(Int16(groups == 0 ? 0 : weight))
    put(UInt16(isNegative ? 0x4000 : 0))
    put(scale)
  }

  // MARK: Bytes

  mutating func put<Value: FixedWidthInteger>(_ value: Value) {
    reserve(MemoryLayout<Value>.size)
    memory.storeBytes(of: value.bigEndian, toByteOffset: count, as: Value.self)
    count &+= MemoryLayout<Value>.size
  }

  mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count)
    memory.advanced(by: count).copyMemory(from: start, byteCount: bytes.count)
    count += bytes.count
  }

  private mutating func put(sized bytes: UnsafeRawBufferPointer) {
    put(Int32(clamping: bytes.count))
    put(bytes)
  }

  private mutating func reserve(_ more: Int) {
    guard count &+ more > capacity else { return }
    let wanted = max(2 * capacity, count + more)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 8)
    larger.copyMemory(from: memory, byteCount: count)
    memory.deallocate()
    (memory, capacity) = (larger, wanted)
  }
}

extension PostgresBuffer {
  mutating func put(field decimal: Decimal8?) { if let decimal { put(field: decimal) } else { putNull() } }
  mutating func put(field price: OraclePrice?) { if let price { put(field: price) } else { putNull() } }
  mutating func put(field text: String?) { if let text { put(field: text) } else { putNull() } }
  mutating func put(field time: Timestamp?) { if let time { put(field: time) } else { putNull() } }
  mutating func put(field number: Double?) { if let number { put(field: number) } else { putNull() } }
  mutating func put(field number: Int64?) { if let number { put(field: number) } else { putNull() } }
}

extension Timestamp {
  /// 2000-01-01, from where PostgreSQL counts.
  private static let postgresEpoch: Int64 = 946_684_800_000_000
  /// The first instant that PostgreSQL can hold, in November of 4714 BC.
  private static let postgresFirst: Int64 = -211_813_488_000_000_000
  /// The year 1, the first that is written without an era.
  private static let postgresFirstText: Int64 = -63_082_281_600_000_000
  /// The year 294277, the first that it cannot.
  private static let postgresEnd: Int64 = 9_223_371_331_200_000_000

  /// What is beyond PostgreSQL's years is at infinity, like `distantPast` and `distantFuture`.
  var postgresMicroseconds: Int64 {
    if self == .distantFuture { return .max }
    let (shifted, overflow) = microseconds.subtractingReportingOverflow(Self.postgresEpoch)
    return overflow || shifted < Self.postgresFirst ? .min : shifted
  }

  /// As it stands in a statement. What is before our era is in the infinite past, where there is as little.
  var postgresConstant: String {
    switch postgresMicroseconds {
    case .max: "'infinity'"
    case ..<Self.postgresFirstText: "'-infinity'"
    default: "'\(self)'"
    }
  }

  /// `nil` outside of what a `Timestamp` can hold.
  init?(postgresMicroseconds value: Int64) {
    switch value {
    case .max: self = .distantFuture
    case .min: self = .distantPast
    default:
      let (shifted, overflow) = value.addingReportingOverflow(Self.postgresEpoch)
      guard !overflow, value >= Self.postgresFirst, value < Self.postgresEnd else { return nil }
      self.init(microseconds: shifted)
    }
  }
}
