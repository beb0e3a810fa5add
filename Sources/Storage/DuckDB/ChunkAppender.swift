internal import CDuckDB
import Market

/// Adds rows to a table a chunk at a time: values are written straight into DuckDB's vectors.
///
/// Within a row, columns may be set in any order; a column not set holds an undefined value.
final class ChunkAppender {
  enum ColumnType {
    case boolean, integer, bigint, utinyint, ubigint, double, text, instant, decimal
    /// An oracle's price, `DECIMAL(38,18)`.
    case oraclePrice
    /// UTC without saying so.
    case plainTime
    case smallint, date
    /// A decimal of any width; its values are as wide as `DuckDBType` says.
    case numeric(width: UInt8, scale: UInt8)
  }

  private struct Column {
    var vector: CDuckDBVector?
    var data: UnsafeMutableRawPointer
    var validity: UnsafeMutablePointer<UInt64>
  }

  private let session: DuckDBSession
  private let call: CDuckDBFunctions
  private let capacity: Int
  private var appender: CDuckDBAppender?
  private var chunk: CDuckDBChunk?
  private var columns: [Column] = []
  private let columnCount: Int
  private var row = 0

  init(_ session: DuckDBSession, table: String, _ types: [ColumnType]) throws(StoreError) {
    self.session = session
    call = session.library.call
    capacity = Int(call.vector_size())
    columnCount = types.count
    guard call.appender_create(session.connection, nil, table, &appender) == 0 else {
      throw .failed(path: session.path, reason: "rows cannot be added to \(table)")
    }
    var handles = types.map(Self.logicalType(call))
    chunk = call.create_data_chunk(&handles, UInt64(handles.count))
    for index in handles.indices { call.destroy_logical_type(&handles[index]) }
    columns.reserveCapacity(types.count)
    prepareColumns()
  }

  deinit {
    call.destroy_data_chunk(&chunk)
    _ = call.appender_destroy(&appender)
  }

  func setNull(_ column: Int) {
    columns[column].validity[row >> 6] &= ~(1 << UInt64(row & 63))
  }

  func set<Value: BitwiseCopyable>(_ column: Int, _ value: Value) {
    columns[column].data.storeBytes(of: value, toByteOffset: row &* MemoryLayout<Value>.stride, as: Value.self)
  }

  func set(_ column: Int, optional value: (some BitwiseCopyable)?) {
    if let value { set(column, value) } else { setNull(column) }
  }

  func set(_ column: Int, _ decimal: Decimal8?) { set(column, optional: decimal?.units) }

  func set(_ column: Int, _ price: OraclePrice?) { set(column, optional: price?.units) }

  func set(_ column: Int, optionalTime time: Timestamp?) {
    if let time { set(column, time) } else { setNull(column) }
  }

  func set(_ column: Int, optionalText text: String?) {
    if let text { set(column, text: text) } else { setNull(column) }
  }

  func set(_ column: Int, _ time: Timestamp) { set(column, max(time.microseconds, -.max)) }

  func set(_ column: Int, text: String) {
    call.vector_assign_string_element_len(columns[column].vector, UInt64(row), text, UInt64(text.utf8.count))
  }

  func endRow() throws(StoreError) {
    row += 1
    if row == capacity { try flush() }
  }

  /// Hands over the last rows. Nothing counts as added before this has returned.
  func finish() throws(StoreError) {
    try flush()
    try check(call.appender_close(appender))
  }

  private func flush() throws(StoreError) {
    guard row > 0 else { return }
    call.data_chunk_set_size(chunk, UInt64(row))
    try check(call.append_data_chunk(appender, chunk))
    call.data_chunk_reset(chunk)
    row = 0
    prepareColumns()
  }

  private func prepareColumns() {
    columns.removeAll(keepingCapacity: true)
    for index in 0..<columnCount {
      let vector = call.data_chunk_get_vector(chunk, UInt64(index))
      call.vector_ensure_validity_writable(vector)
      guard let data = call.vector_get_data(vector), let validity = call.vector_get_validity(vector) else {
        preconditionFailure("a chunk without room")
      }
      columns.append(Column(vector: vector, data: data, validity: validity))
    }
  }

  private func check(_ status: CInt) throws(StoreError) {
    guard status != 0 else { return }
    throw StoreError(using: session.path, message: call.appender_error(appender).map { String(cString: $0) } ?? "")
  }

  private static func logicalType(_ call: CDuckDBFunctions) -> (ColumnType) -> CDuckDBLogicalType? {
    { type in
      switch type {
      case .boolean: call.create_logical_type(CInt(CDUCKDB_BOOLEAN))
      case .integer: call.create_logical_type(CInt(CDUCKDB_INTEGER))
      case .bigint: call.create_logical_type(CInt(CDUCKDB_BIGINT))
      case .utinyint: call.create_logical_type(CInt(CDUCKDB_UTINYINT))
      case .ubigint: call.create_logical_type(CInt(CDUCKDB_UBIGINT))
      case .double: call.create_logical_type(CInt(CDUCKDB_DOUBLE))
      case .text: call.create_logical_type(CInt(CDUCKDB_VARCHAR))
      case .instant: call.create_logical_type(CInt(CDUCKDB_TIMESTAMPTZ))
      case .plainTime: call.create_logical_type(CInt(CDUCKDB_TIMESTAMP))
      case .decimal: call.create_decimal_type(20, 8)
      case .oraclePrice: call.create_decimal_type(38, 18)
      case .smallint: call.create_logical_type(CInt(CDUCKDB_SMALLINT))
      case .date: call.create_logical_type(CInt(CDUCKDB_DATE))
      case .numeric(let width, let scale): call.create_decimal_type(width, scale)
      }
    }
  }
}
