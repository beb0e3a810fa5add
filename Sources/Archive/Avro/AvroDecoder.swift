/// Values out of the bytes of one block.
struct AvroDecoder {
  /// Values of one record; more is an error.
  static let largestRecord = 1 << 20

  let bytes: [UInt8]
  private(set) var position = 0
  private let plan: AvroPlan
  /// Values that may still come. Some take no bytes, so a block of any size could claim to hold any number of them.
  private(set) var budget: Int
  private var recordBudget = 0
  private var depth = 0

  init(_ bytes: [UInt8], _ plan: AvroPlan, budget: Int) {
    (self.bytes, self.plan, self.budget) = (bytes, plan, budget)
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func record() throws(AvroFault) -> AvroValue {
    let most = min(budget, Self.largestRecord)
    recordBudget = most
    let record = try value(plan.root)
    budget -= most - recordBudget
    return record
  }

  private mutating func value(_ step: Int) throws(AvroFault) -> AvroValue {
    guard recordBudget > 0 else { throw AvroFault("it claims to hold far more values than it has bytes for") }
    recordBudget -= 1
    switch plan.steps[step] {
    case .same(let place): return try value(place)
    case .null: return .null
    case .boolean: return .boolean(try boolean())
    case .int: return .integer(Int64(try int()))
    case .long: return .integer(try long())
    case .float: return .number(try float())
    case .double: return .number(try double())
    case .bytes, .textAsBytes: return .bytes(Array(try stretch()))
    case .text, .bytesAsText: return .text(try text())
    case .fixed(let size): return .bytes(Array(try stretch(size)))
    case .wholeAsNumber(let isInt): return .number(Double(isInt ? Int64(try int()) : try long()))
    case .timestamp(let times, let through): return .integer(try timestamp(times, through))
    case .decimal(let size, let digits): return .decimal(try decimal(size, digits))
    case .numberAsDecimal(let isFloat, let scale):
      return .decimal(try decimal(isFloat ? try float() : try double(), scale))
    case .wholeAsDecimal(let isInt, let scale):
      let whole = Int128(isInt ? Int64(try int()) : try long())
      return .decimal(try Self.scaled(whole, digits: scale))
    case .array(let items): return .array(try nested { decoder throws(AvroFault) in try decoder.items(items) })
    case .map(let values): return .map(try nested { decoder throws(AvroFault) in try decoder.entries(values) })
    case .union(let branches): return try nested { decoder throws(AvroFault) in try decoder.branch(branches) }
    case .record(let record): return try nested { decoder throws(AvroFault) in try decoder.fields(record) }
    case .enumeration(let symbols): return .text(try symbol(symbols))
    case .impossible(let reason): throw AvroFault(reason)
    }
  }

  private mutating func nested<Value>(
    _ body: (inout AvroDecoder) throws(AvroFault) -> Value
  ) throws(AvroFault) -> Value {
    depth += 1
    defer { depth -= 1 }
    guard depth <= AvroResolver.deepest else {
      throw AvroFault("values are nested more than \(AvroResolver.deepest) deep")
    }
    return try body(&self)
  }

  // MARK: Composites

  private mutating func fields(_ record: AvroPlan.RecordStep) throws(AvroFault) -> AvroValue {
    var values = record.start
    for field in record.fields {
      let value = try value(field.step)
      if let slot = field.slot { values[slot] = value }
    }
    return .record(values)
  }

  private mutating func branch(_ branches: [Int]) throws(AvroFault) -> AvroValue {
    let number = try long()
    guard let branch = Int(exactly: number), branches.indices.contains(branch) else {
      throw AvroFault("branch \(number) of a union of \(branches.count)")
    }
    return try value(branches[branch])
  }

  private mutating func symbol(_ symbols: [String?]) throws(AvroFault) -> String {
    let number = Int(try int())
    guard symbols.indices.contains(number) else { throw AvroFault("symbol \(number) of an enum of \(symbols.count)") }
    guard let symbol = symbols[number] else { throw AvroFault("an enum's symbol \(number) is not known") }
    return symbol
  }

  private mutating func items(_ step: Int) throws(AvroFault) -> [AvroValue] {
    var result: [AvroValue] = []
    while let count = try blockCount() {
      for _ in 0..<count { result.append(try value(step)) }
    }
    return result
  }

  private mutating func entries(_ step: Int) throws(AvroFault) -> [String: AvroValue] {
    var result: [String: AvroValue] = [:]
    while let count = try blockCount() {
      for _ in 0..<count { result[try text()] = try value(step) }
    }
    return result
  }

  /// Items until the next count; `nil` behind the last.
  private mutating func blockCount() throws(AvroFault) -> Int64? {
    let count = try long()
    guard count != 0 else { return nil }
    guard count < 0 else { return count }
    // Its length in bytes follows, for readers that pass over it.
    guard try long() >= 0, count > .min else { throw AvroFault("a list's length is negative") }
    return -count
  }

  // MARK: Numbers

  private mutating func long() throws(AvroFault) -> Int64 {
    var (raw, shift): (UInt64, UInt64) = (0, 0)
    while true {
      guard position < bytes.count else { throw AvroFault("a value ends outside of its block") }
      let byte = bytes[position]
      position += 1
      guard shift < 63 || byte <= 1 else { throw AvroFault("a number has more than 64 bits") }
      raw |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int64(bitPattern: raw >> 1 ^ (0 &- raw & 1)) }
      shift += 7
    }
  }

  private mutating func int() throws(AvroFault) -> Int32 {
    let wide = try long()
    guard let value = Int32(exactly: wide) else { throw AvroFault("\(wide) is no int") }
    return value
  }

  private mutating func boolean() throws(AvroFault) -> Bool {
    switch try stretch(1).first {
    case 0: return false
    case 1: return true
    default: throw AvroFault("a boolean is neither 0 nor 1")
    }
  }

  private mutating func float() throws(AvroFault) -> Double {
    Double(Float(bitPattern: try stretch(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }))
  }

  private mutating func double() throws(AvroFault) -> Double {
    Double(bitPattern: try stretch(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  private mutating func timestamp(_ times: Int64, _ through: Int64) throws(AvroFault) -> Int64 {
    let value = try long()
    let (product, overflow) = value.multipliedReportingOverflow(by: times)
    guard !overflow else { throw AvroFault("a time is outside of its range: \(value)") }
    let (quotient, remainder) = product.quotientAndRemainder(dividingBy: through)
    return remainder < 0 ? quotient - 1 : quotient
  }

  private mutating func decimal(_ size: Int?, _ digits: Int) throws(AvroFault) -> Int128 {
    let bytes = if let size { try stretch(size) } else { try stretch() }
    guard let units = AvroDecimal.units(bytes) else { throw AvroFault("a decimal has more than 38 digits") }
    return try Self.scaled(units, digits: digits)
  }

  private func decimal(_ value: Double, _ scale: Int) throws(AvroFault) -> Int128 {
    guard let units = AvroDecimal.units(value, scale: scale) else { throw AvroFault("\(value) is no decimal") }
    return units
  }

  private static func scaled(_ units: Int128, digits: Int) throws(AvroFault) -> Int128 {
    let power = AvroDecimal.powerOfTen(abs(digits))
    if digits < 0 {
      let (quotient, remainder) = units.quotientAndRemainder(dividingBy: power)
      guard remainder == 0 else { throw AvroFault("a decimal has more digits behind the point than can be kept") }
      return quotient
    }
    let (product, overflow) = units.multipliedReportingOverflow(by: power)
    guard !overflow else { throw AvroFault("a decimal has more than 38 digits") }
    return product
  }

  // MARK: Bytes

  private mutating func text() throws(AvroFault) -> String {
    guard let text = String(validating: try stretch(), as: UTF8.self) else { throw AvroFault("a text is not UTF-8") }
    return text
  }

  /// As many bytes as the number before them says.
  private mutating func stretch() throws(AvroFault) -> ArraySlice<UInt8> {
    let count = try long()
    guard let count = Int(exactly: count) else { throw AvroFault("a length of \(count)") }
    return try stretch(count)
  }

  private mutating func stretch(_ count: Int) throws(AvroFault) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else {
      throw AvroFault("a length of \(count) goes beyond its block")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }
}
