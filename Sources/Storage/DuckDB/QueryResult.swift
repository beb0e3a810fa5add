internal import CDuckDB
import Market

/// Rows that a statement gave, in chunks.
final class QueryResult {
  private let session: DuckDBSession
  private var result: CDuckDBResult

  init(_ session: DuckDBSession, _ result: CDuckDBResult) { (self.session, self.result) = (session, result) }

  deinit { session.library.call.destroy_result(&result) }

  var rowsChanged: Int { Int(session.library.call.rows_changed(&result)) }

  /// What `body` makes of the next chunk, which lives only as long as that; `nil` after the last.
  func next<Value>(_ body: (ResultChunk) throws(StoreError) -> Value) throws(StoreError) -> Value? {
    let call = session.library.call
    var handle = call.fetch_chunk(result)
    guard handle != nil else {
      guard let message = call.result_error(&result) else { return nil }
      throw StoreError(using: session.path, message: String(cString: message))
    }
    defer { call.destroy_data_chunk(&handle) }
    return try body(ResultChunk(call, handle))
  }

  func forEachChunk(_ body: (ResultChunk) throws(StoreError) -> Void) throws(StoreError) {
    while try next(body) != nil {}
  }

  func forEachRow(_ body: (ResultChunk, Int) throws(StoreError) -> Void) throws(StoreError) {
    try forEachChunk { chunk throws(StoreError) in
      for row in 0..<chunk.count { try body(chunk, row) }
    }
  }

  /// The whole number in the first column of the first row.
  func number() throws(StoreError) -> Int64? {
    try next { chunk throws(StoreError) in chunk.count > 0 ? chunk.column(0).optional(0) : nil } ?? nil
  }
}

/// Up to a vector's worth of rows, by column. Columns are read as the type they have in the statement.
struct ResultChunk {
  let count: Int
  private let call: CDuckDBFunctions
  private let handle: CDuckDBChunk?

  fileprivate init(_ call: CDuckDBFunctions, _ handle: CDuckDBChunk?) {
    (self.call, self.handle) = (call, handle)
    count = Int(call.data_chunk_get_size(handle))
  }

  var columnCount: Int { Int(call.data_chunk_get_column_count(handle)) }

  func column(_ index: Int) -> ResultColumn {
    let vector = call.data_chunk_get_vector(handle, UInt64(index))
    guard let data = call.vector_get_data(vector) else { preconditionFailure("column \(index) is absent") }
    return ResultColumn(data: data, validity: call.vector_get_validity(vector))
  }
}

/// One column of a chunk; it must not outlive the chunk.
struct ResultColumn {
  fileprivate let data: UnsafeMutableRawPointer
  fileprivate let validity: UnsafeMutablePointer<UInt64>?

  func isNull(_ row: Int) -> Bool {
    guard let validity else { return false }
    return validity[row >> 6] >> UInt64(row & 63) & 1 == 0
  }

  /// A value in the column's own width.
  func value<Value: BitwiseCopyable>(_ row: Int, as type: Value.Type = Value.self) -> Value {
    data.loadUnaligned(fromByteOffset: row &* MemoryLayout<Value>.stride, as: Value.self)
  }

  func optional<Value: BitwiseCopyable>(_ row: Int, as type: Value.Type = Value.self) -> Value? {
    isNull(row) ? nil : value(row, as: Value.self)
  }

  func time(_ row: Int) -> Timestamp { Timestamp(microseconds: value(row)) }

  /// `DECIMAL(20,8)`, kept as a 128-bit integer.
  func decimal(_ row: Int) -> Decimal8? {
    isNull(row) ? nil : Decimal8(units: value(row, as: Int128.self))
  }

  /// `DECIMAL(38,18)`.
  func oraclePrice(_ row: Int) -> OraclePrice? {
    isNull(row) ? nil : OraclePrice(units: value(row, as: Int128.self))
  }

  func optionalText(_ row: Int) -> String? { isNull(row) ? nil : text(row) }

  func optionalTime(_ row: Int) -> Timestamp? { isNull(row) ? nil : time(row) }

  func text(_ row: Int) -> String {
    let string = data.advanced(by: row * MemoryLayout<CDuckDBString>.stride)
    let length = Int(string.load(as: UInt32.self))
    let start =
      length <= 12
      ? UnsafeRawPointer(string + 4) : string.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
    return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
  }
}
