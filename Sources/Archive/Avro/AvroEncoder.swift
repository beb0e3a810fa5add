/// Bytes out of values, as a schema wants them.
struct AvroEncoder {
  private let types: [AvroType]
  private let root: Int
  private(set) var bytes: [UInt8] = []
  private var depth = 0

  init(_ schema: AvroSchema) { (types, root) = (schema.types, schema.root) }

  mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// A value that does not fit leaves no trace.
  mutating func add(_ value: AvroValue) throws(AvroFault) {
    let start = bytes.count
    do {
      depth = 0
      try put(value, as: root)
    } catch {
      bytes.removeLast(bytes.count - start)
      throw error
    }
  }

  private mutating func put(_ value: AvroValue, as type: Int) throws(AvroFault) {
    guard depth < AvroResolver.deepest else { throw AvroFault("it is nested more than \(AvroResolver.deepest) deep") }
    depth += 1
    defer { depth -= 1 }
    switch (types[type].shape, value) {
    case (.null, .null): break
    case (.boolean, .boolean(let value)): bytes.append(value ? 1 : 0)
    case (.int, .integer(let value)) where Int32(exactly: value) != nil: put(value)
    case (.long, .integer(let value)): put(value)
    case (.float, .number(let value)): put(Float(value).bitPattern)
    case (.double, .number(let value)): put(value.bitPattern)
    case (.bytes, .bytes(let value)): put(value)
    case (.bytes, .decimal(let units)) where fits(units, type): put(AvroDecimal.shortest(units))
    case (.string, .text(let value)): put(Array(value.utf8))
    case (.fixed(let fixed), .bytes(let value)) where value.count == fixed.size: bytes += value
    case (.fixed(let fixed), .decimal(let units)) where fits(units, type):
      guard let value = AvroDecimal.fixed(units, size: fixed.size) else { throw fault(value, type) }
      bytes += value
    case (.enumeration(let enumeration), .text(let symbol)):
      guard let number = enumeration.symbols.firstIndex(of: symbol) else { throw fault(value, type) }
      put(Int64(number))
    case (.array(let items), .array(let values)): try put(values, items: items)
    case (.map(let values), .map(let entries)): try put(entries, values: values)
    case (.union(let branches), _): try put(value, branches: branches, of: type)
    case (.record(let record), .record(let values)) where values.count == record.fields.count:
      for (field, value) in zip(record.fields, values) {
        do { try put(value, as: field.type) } catch { throw AvroFault("\(field.name): \(error.reason)") }
      }
    default: throw fault(value, type)
    }
  }

  private func fits(_ units: Int128, _ type: Int) -> Bool {
    guard case .decimal(let precision, _) = types[type].logical else { return false }
    return units.magnitude < UInt128(AvroDecimal.powerOfTen(precision).magnitude)
  }

  private func fault(_ value: AvroValue, _ type: Int) -> AvroFault {
    AvroFault("\(AvroFault.shown("\(value)")) is no \(types[type].kind) of its schema")
  }

  private mutating func put(_ values: [AvroValue], items: Int) throws(AvroFault) {
    if !values.isEmpty { put(Int64(values.count)) }
    for value in values { try put(value, as: items) }
    put(Int64(0))
  }

  /// By rising key, so that equal maps have equal bytes.
  private mutating func put(_ entries: [String: AvroValue], values: Int) throws(AvroFault) {
    if !entries.isEmpty { put(Int64(entries.count)) }
    for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
      put(Array(key.utf8))
      try put(value, as: values)
    }
    put(Int64(0))
  }

  /// The first branch that takes the value.
  private mutating func put(_ value: AvroValue, branches: [Int], of type: Int) throws(AvroFault) {
    let start = bytes.count
    for (number, branch) in branches.enumerated() {
      put(Int64(number))
      if (try? put(value, as: branch)) != nil { return }
      bytes.removeLast(bytes.count - start)
    }
    throw fault(value, type)
  }

  private mutating func put(_ value: Int64) { Self.append(value, to: &bytes) }

  private mutating func put(_ value: [UInt8]) {
    put(Int64(value.count))
    bytes += value
  }

  private mutating func put(_ bits: some FixedWidthInteger) {
    withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
  }

  static func append(_ value: Int64, to bytes: inout [UInt8]) {
    var raw = UInt64(bitPattern: value << 1 ^ value >> 63)
    while raw >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: raw) | 0x80)
      raw >>= 7
    }
    bytes.append(UInt8(raw))
  }
}
