import Market

/// A column type by the name that PostgreSQL's `format_type` gives it.
struct PostgresType {
  enum Wire {
    case boolean, int2, int4, int8, double, text, jsonb, instant, date
    /// A decimal of up to twenty digits, or an oracle's price.
    case decimal(scale: Int), price
    /// Sixty-four bits without a sign, as a decimal without fraction digits.
    case hash
  }

  let kind: ColumnKind
  let wire: Wire

  /// `nil` for a type that no store keeps.
  init?(_ name: String) {
    switch name {
    case "boolean": (kind, wire) = (.boolean, .boolean)
    case "smallint": (kind, wire) = (.integer, .int2)
    case "integer": (kind, wire) = (.integer, .int4)
    case "bigint": (kind, wire) = (.integer, .int8)
    case "double precision": (kind, wire) = (.double, .double)
    case "text": (kind, wire) = (.text, .text)
    case "json": (kind, wire) = (.json, .text)
    case "jsonb": (kind, wire) = (.json, .jsonb)
    case "timestamp with time zone": (kind, wire) = (.instant, .instant)
    case "timestamp without time zone": (kind, wire) = (.wallTime, .instant)
    case "date": (kind, wire) = (.date, .date)
    case "numeric(20,0)": (kind, wire) = (.unsigned, .hash)
    case let name where name.hasPrefix("character varying"): (kind, wire) = (.text, .text)
    default:
      guard let scale = Self.scale(name) else { return nil }
      (kind, wire) = (.decimal(scale: scale), scale == 18 ? .price : .decimal(scale: scale))
    }
  }

  /// Of `numeric(20,8)`; `nil` where the wire knows no such number.
  private static func scale(_ name: String) -> Int? {
    guard name.hasPrefix("numeric("), name.hasSuffix(")") else { return nil }
    let numbers = name.dropFirst(8).dropLast().split(separator: ",").map { Int($0) }
    guard numbers.count == 2, let scale = numbers[1], (0...8).contains(scale) || scale == 18 else { return nil }
    return scale
  }

  /// Reads a column as the type in which `values` takes it.
  func selection(_ column: String) -> String {
    switch wire {
    case .int2, .int4: "\(column)::BIGINT"
    case .text, .jsonb: "\(column)::TEXT"
    case .date: "(\(column) - DATE '1970-01-01')::BIGINT"
    case .boolean, .int8, .double, .instant, .decimal, .price, .hash: column
    }
  }

  // MARK: Reading

  /// A column of rows that `selection` gave.
  func values(_ rows: PostgresRows, _ column: Int) throws(StoreError) -> ColumnValues {
    var nulls = [Bool](repeating: false, count: rows.count)
    for row in nulls.indices { nulls[row] = rows.bytes(row, column) == nil }
    return ColumnValues(kind, try storage(rows, column, nulls), nulls: nulls)
  }

  private func storage(
    _ rows: PostgresRows, _ column: Int, _ nulls: [Bool]
  ) throws(StoreError) -> ColumnValues.Storage {
    func all<Value>(_ zero: Value, _ read: (Int) throws(StoreError) -> Value?) throws(StoreError) -> [Value] {
      var values: [Value] = []
      values.reserveCapacity(nulls.count)
      for row in nulls.indices { values.append(nulls[row] ? zero : try read(row) ?? zero) }
      return values
    }
    switch wire {
    case .boolean: return .words(try all(0) { row throws(StoreError) in try rows.boolean(row, column) ? 1 : 0 })
    case .int2, .int4, .int8, .date:
      return .words(try all(0) { row throws(StoreError) in try rows.optionalInteger(row, column) })
    case .hash:
      return .words(try all(0) { row throws(StoreError) in Int64(bitPattern: try rows.hash(row, column)) })
    case .double: return .doubles(try all(0) { row throws(StoreError) in try rows.optionalDouble(row, column) })
    case .text, .jsonb: return .texts(try all("") { row throws(StoreError) in rows.optionalText(row, column) })
    case .instant:
      return .words(try all(0) { row throws(StoreError) in try rows.optionalTime(row, column)?.microseconds })
    case .price:
      return .units(try all(0) { row throws(StoreError) in try rows.optionalPrice(row, column)?.units })
    case .decimal(let scale):
      let divisor = Self.missing(scale)
      return .units(
        try all(0) { row throws(StoreError) in try rows.optionalDecimal(row, column).map { $0.units / divisor } })
    }
  }

  // MARK: Writing

  /// The first value that the column has no room for.
  func misfit(in values: ColumnValues) -> String? {
    switch (wire, values.storage) {
    case (.int2, .words(let words)): words.first { Int16(exactly: $0) == nil }.map { "\($0)" }
    case (.int4, .words(let words)): words.first { Int32(exactly: $0) == nil }.map { "\($0)" }
    case (.date, .words(let words)): words.first { Int32(exactly: $0 - Self.epochDay) == nil }.map { "\($0)" }
    case (.decimal(let scale), .units(let units)): units.first { Self.decimal($0, scale) == nil }.map { "\($0)" }
    default: nil
    }
  }

  /// `misfit` must have found nothing.
  func put(_ storage: ColumnValues.Storage, _ row: Int, into buffer: inout PostgresBuffer) {
    switch storage {
    case .words(let words): put(word: words[row], into: &buffer)
    case .doubles(let values): buffer.put(field: values[row])
    case .units(let units):
      if case .decimal(let scale) = wire {
        buffer.put(field: Self.decimal(units[row], scale))
      } else {
        buffer.put(field: OraclePrice(units: units[row]))
      }
    case .texts(let texts):
      guard case .jsonb = wire else { return buffer.put(field: texts[row]) }
      var text = texts[row]
      text.withUTF8 { bytes in
        buffer.put(Int32(clamping: bytes.count + 1))
        buffer.put(UInt8(1))
        buffer.put(UnsafeRawBufferPointer(bytes))
      }
    }
  }

  private func put(word: Int64, into buffer: inout PostgresBuffer) {
    switch wire {
    case .boolean: buffer.put(field: word != 0)
    case .int2: buffer.put(field: Int16(truncatingIfNeeded: word))
    case .int4: buffer.put(field: Int32(truncatingIfNeeded: word))
    case .date: buffer.put(field: Int32(truncatingIfNeeded: word - Self.epochDay))
    case .instant: buffer.put(field: Timestamp(microseconds: word))
    case .hash: buffer.put(field: UInt64(bitPattern: word), asNumericOfScale: 0)
    default: buffer.put(field: word)
    }
  }

  /// Days from 1970 to 2000, from where PostgreSQL counts.
  private static let epochDay: Int64 = 10_957

  private static func missing(_ scale: Int) -> Int128 { (scale..<8).reduce(1 as Int128) { power, _ in power * 10 } }

  private static func decimal(_ units: Int128, _ scale: Int) -> Decimal8? {
    let (product, overflow) = units.multipliedReportingOverflow(by: missing(scale))
    return overflow ? nil : Decimal8(units: product)
  }
}
