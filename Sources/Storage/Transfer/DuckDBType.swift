/// A column type by the name that DuckDB's catalogue gives it.
struct DuckDBType {
  let kind: ColumnKind
  let appended: ChunkAppender.ColumnType

  /// `nil` for a type that no store keeps.
  init?(_ name: String) {
    switch name {
    case "BOOLEAN": (kind, appended) = (.boolean, .boolean)
    case "UTINYINT": (kind, appended) = (.integer, .utinyint)
    case "SMALLINT": (kind, appended) = (.integer, .smallint)
    case "INTEGER": (kind, appended) = (.integer, .integer)
    case "BIGINT": (kind, appended) = (.integer, .bigint)
    case "UBIGINT": (kind, appended) = (.unsigned, .ubigint)
    case "DOUBLE": (kind, appended) = (.double, .double)
    case "VARCHAR": (kind, appended) = (.text, .text)
    case "JSON": (kind, appended) = (.json, .text)
    case "TIMESTAMP WITH TIME ZONE": (kind, appended) = (.instant, .instant)
    case "TIMESTAMP": (kind, appended) = (.wallTime, .plainTime)
    case "DATE": (kind, appended) = (.date, .date)
    default:
      guard let (width, scale) = Self.decimal(name) else { return nil }
      (kind, appended) = (.decimal(scale: Int(scale)), .numeric(width: width, scale: scale))
    }
  }

  /// Of `DECIMAL(20,8)`.
  private static func decimal(_ name: String) -> (width: UInt8, scale: UInt8)? {
    guard name.hasPrefix("DECIMAL("), name.hasSuffix(")") else { return nil }
    let numbers = name.dropFirst(8).dropLast().split(separator: ",").map { UInt8($0) }
    guard numbers.count == 2, let width = numbers[0], let scale = numbers[1], width <= 38,
      scale <= min(width, UInt8(ColumnKind.largestScale))
    else { return nil }
    return (width, scale)
  }

  /// Reads a column as the type in which values of its kind are taken from a chunk.
  func selection(_ column: String) -> String {
    switch kind {
    case .integer: "\(column)::BIGINT"
    case .decimal(let scale): "\(column)::DECIMAL(38,\(scale))"
    case .date: "(\(column) - DATE '1970-01-01')::BIGINT"
    case .json: "\(column)::VARCHAR"
    case .boolean, .unsigned, .double, .text, .instant, .wallTime: column
    }
  }
}

extension ColumnValues {
  /// A column of a chunk that `DuckDBType.selection` gave.
  init(_ kind: ColumnKind, _ column: ResultColumn, count: Int) {
    let nulls = (0..<count).map(column.isNull)
    func values<Value: BitwiseCopyable>(_ zero: Value) -> [Value] {
      (0..<count).map { nulls[$0] ? zero : column.value($0, as: Value.self) }
    }
    let storage: Storage =
      switch kind {
      case .boolean: .words(values(UInt8(0)).map { $0 == 0 ? 0 : 1 })
      case .instant: .words(values(Int64(0)).map { $0 == -.max ? .min : $0 })
      case .integer, .unsigned, .wallTime, .date: .words(values(Int64(0)))
      case .double: .doubles(values(Double(0)))
      case .text, .json: .texts((0..<count).map { nulls[$0] ? "" : column.text($0) })
      case .decimal: .units(values(Int128(0)))
      }
    self.init(kind, storage, nulls: nulls)
  }
}
