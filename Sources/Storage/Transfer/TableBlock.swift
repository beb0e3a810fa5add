/// How a batch stands in a backup: little-endian, column after column.
///
/// A count of rows; for each column a byte of marks, a byte for each null flag if there are nulls, and the values. Words
/// are differences from the one before; decimals have eight bytes where all of them fit, sixteen otherwise.
enum TableBlock {
  private static let hasNulls: UInt8 = 1
  private static let isWide: UInt8 = 2

  static func encode(_ batch: TableBatch) -> [UInt8] {
    var bytes: [UInt8] = []
    put(UInt32(clamping: batch.count), to: &bytes)
    for column in batch.columns { put(column, to: &bytes) }
    return bytes
  }

  private static func put(_ column: ColumnValues, to bytes: inout [UInt8]) {
    var marks: UInt8 = column.nulls.isEmpty ? 0 : hasNulls
    var small: [Int64] = []
    if case .units(let values) = column.storage {
      small = values.compactMap { Int64(exactly: $0) }
      if small.count < values.count { marks |= isWide }
    }
    bytes.append(marks)
    bytes += column.nulls.map { $0 ? 1 : 0 }
    switch column.storage {
    case .words(let values): putDifferences(values, to: &bytes)
    case .units(let values): if marks & isWide == 0 { put(small, to: &bytes) } else { put(values, to: &bytes) }
    case .doubles(let values): put(values, to: &bytes)
    case .texts(let values):
      for text in values { put(UInt32(clamping: text.utf8.count), to: &bytes) }
      for text in values { bytes += text.utf8 }
    }
  }

  private static func putDifferences(_ values: [Int64], to bytes: inout [UInt8]) {
    var last: Int64 = 0
    put(
      values.map { value in
        defer { last = value }
        return value &- last
      }, to: &bytes)
  }

  private static func put(_ values: [some BitwiseCopyable], to bytes: inout [UInt8]) {
    values.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  private static func put(_ value: UInt32, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  // MARK: Reading

  /// `nil` for bytes that are no batch of these columns.
  static func decode(_ bytes: [UInt8], _ columns: [StoredColumn]) -> TableBatch? {
    var reader = Reader(bytes)
    // A row of any column takes at least four bytes.
    guard let count = reader.count(), count <= bytes.count / 4 else { return nil }
    var values: [ColumnValues] = []
    for column in columns {
      guard let read = reader.column(column.kind, count) else { return nil }
      values.append(read)
    }
    return reader.isAtEnd ? TableBatch(count: count, columns: values) : nil
  }

  private struct Reader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
      guard count >= 0, count <= bytes.count - place else { return nil }
      defer { place += count }
      return bytes[place..<place + count]
    }

    mutating func count() -> Int? { values(1, of: UInt32.self).map { Int($0[0]) } }

    private mutating func values<Value: BitwiseCopyable>(_ count: Int, of type: Value.Type) -> [Value]? {
      let size = MemoryLayout<Value>.stride
      guard let taken = take(count * size) else { return nil }
      return taken.withUnsafeBytes { raw in
        (0..<count).map { raw.loadUnaligned(fromByteOffset: $0 * size, as: Value.self) }
      }
    }

    mutating func column(_ kind: ColumnKind, _ count: Int) -> ColumnValues? {
      guard let marks = take(1)?.first, marks & ~(hasNulls | isWide) == 0 else { return nil }
      var nulls: [Bool] = []
      if marks & hasNulls != 0 {
        guard let flags = take(count), flags.allSatisfy({ $0 <= 1 }) else { return nil }
        nulls = flags.map { $0 == 1 }
      }
      guard let storage = storage(kind, count, isWide: marks & isWide != 0) else { return nil }
      return ColumnValues(kind, storage, nulls: nulls)
    }

    private mutating func storage(_ kind: ColumnKind, _ count: Int, isWide: Bool) -> ColumnValues.Storage? {
      switch kind {
      case .decimal where isWide: return values(count, of: Int128.self).map { .units($0) }
      case .decimal: return values(count, of: Int64.self).map { .units($0.map { Int128($0) }) }
      case .double: return values(count, of: Double.self).map { .doubles($0) }
      case .text, .json: return texts(count).map { .texts($0) }
      case .boolean, .integer, .unsigned, .instant, .wallTime, .date:
        guard let differences = values(count, of: Int64.self) else { return nil }
        var last: Int64 = 0
        return .words(
          differences.map { difference in
            last = last &+ difference
            return last
          })
      }
    }

    private mutating func texts(_ count: Int) -> [String]? {
      guard let lengths = values(count, of: UInt32.self) else { return nil }
      var texts: [String] = []
      texts.reserveCapacity(count)
      for length in lengths {
        guard let bytes = take(Int(length)), let text = String(validating: bytes, as: UTF8.self) else { return nil }
        texts.append(text)
      }
      return texts
    }
  }
}
