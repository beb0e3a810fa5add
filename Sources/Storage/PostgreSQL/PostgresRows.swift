internal import CPostgres
package import Market

/// The rows of one statement in binary, all in memory.
///
/// Nothing that a server says is taken on trust: a value of another length or kind than the column should have is an
/// error.
package final class PostgresRows {
  private let result: OpaquePointer
  private let path: String
  package let count: Int
  private let columns: Int
  /// Rows that the statement added, changed or removed.
  package let changed: Int

  init(_ result: OpaquePointer, path: String) {
    (self.result, self.path) = (result, path)
    (count, columns) = (Int(PQntuples(result)), Int(PQnfields(result)))
    changed = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
  }

  deinit { PQclear(result) }

  /// `nil` for null, which a column that is not there is too.
  func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
    guard row >= 0, row < count, column >= 0, column < columns else { return nil }
    let (row, column) = (Int32(row), Int32(column))
    guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return nil }
    return UnsafeRawBufferPointer(start: start, count: max(0, Int(PQgetlength(result, row, column))))
  }

  // MARK: Values that may be null

  package func optionalInteger(_ row: Int, _ column: Int) throws(StoreError) -> Int64? {
    guard let bytes = bytes(row, column) else { return nil }
    switch bytes.count {
    case 2: return Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
    case 4: return Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
    case 8: return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
    default: throw improper(row, column, "an integer")
    }
  }

  package func optionalDouble(_ row: Int, _ column: Int) throws(StoreError) -> Double? {
    guard let bytes = bytes(row, column) else { return nil }
    guard bytes.count == 8 else { throw improper(row, column, "a double") }
    return Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
  }

  package func optionalText(_ row: Int, _ column: Int) -> String? {
    bytes(row, column).map { String(decoding: $0, as: UTF8.self) }
  }

  package func optionalTime(_ row: Int, _ column: Int) throws(StoreError) -> Timestamp? {
    guard let bytes = bytes(row, column) else { return nil }
    guard bytes.count == 8,
      let time = Timestamp(postgresMicroseconds: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)))
    else { throw improper(row, column, "a time") }
    return time
  }

  package func optionalDecimal(_ row: Int, _ column: Int) throws(StoreError) -> Decimal8? {
    guard let bytes = bytes(row, column) else { return nil }
    guard let decimal = PostgresNumeric(bytes)?.decimal else { throw improper(row, column, "a NUMERIC(20,8)") }
    return decimal
  }

  package func optionalPrice(_ row: Int, _ column: Int) throws(StoreError) -> OraclePrice? {
    guard let bytes = bytes(row, column) else { return nil }
    guard let price = PostgresNumeric(bytes)?.oraclePrice else { throw improper(row, column, "a NUMERIC(38,18)") }
    return price
  }

  // MARK: Values that are there

  package func integer(_ row: Int, _ column: Int) throws(StoreError) -> Int64 {
    guard let value = try optionalInteger(row, column) else { throw improper(row, column, "an integer") }
    return value
  }

  package func boolean(_ row: Int, _ column: Int) throws(StoreError) -> Bool {
    guard let bytes = bytes(row, column), bytes.count == 1 else { throw improper(row, column, "a boolean") }
    return bytes[0] != 0
  }

  package func text(_ row: Int, _ column: Int) throws(StoreError) -> String {
    guard let value = optionalText(row, column) else { throw improper(row, column, "a text") }
    return value
  }

  package func time(_ row: Int, _ column: Int) throws(StoreError) -> Timestamp {
    guard let value = try optionalTime(row, column) else { throw improper(row, column, "a time") }
    return value
  }

  package func decimal(_ row: Int, _ column: Int) throws(StoreError) -> Decimal8 {
    guard let value = try optionalDecimal(row, column) else { throw improper(row, column, "a NUMERIC(20,8)") }
    return value
  }

  package func price(_ row: Int, _ column: Int) throws(StoreError) -> OraclePrice {
    guard let value = try optionalPrice(row, column) else { throw improper(row, column, "a NUMERIC(38,18)") }
    return value
  }

  /// A `NUMERIC(20,0)` of 64 bits.
  package func hash(_ row: Int, _ column: Int) throws(StoreError) -> UInt64 {
    guard let bytes = bytes(row, column), let value = PostgresNumeric(bytes)?.wholeNumber else {
      throw improper(row, column, "a NUMERIC(20,0)")
    }
    return value
  }

  private func improper(_ row: Int, _ column: Int, _ wanted: String) -> StoreError {
    let known = column < columns ? PQfname(result, Int32(column)) : nil
    let name = known.map { String(cString: $0) } ?? "number \(column + 1)"
    let found = bytes(row, column).map { "\($0.count) bytes" } ?? "nothing"
    return .corrupt(path: path, reason: "the column \(name) of row \(row + 1) has \(found) instead of \(wanted)")
  }
}
