internal import CDuckDB
import Market

/// Rows that a statement gave, in chunks.
final class QueryResult {
  private let session: DuckDBSession
  private var result: CDuckDBResult

  init(_ session: DuckDBSession, _ result: CDuckDBResult) { (self.session, self.result) = (session, result) }

  deinit { session.library.call.destroy_result(&result) }

  var rowsChanged: Int { Int(session.library.call.rows_changed(&result)) }

  /// `nil` after the last chunk.
  func next() throws(StoreError) -> ResultChunk? {
    let call = session.library.call
    guard let chunk = call.fetch_chunk(result) else {
      guard let message = call.result_error(&result) else { return nil }
      throw StoreError(using: session.path, message: String(cString: message))
    }
    return ResultChunk(session.library, chunk)
  }

  /// Calls `body` with each row of each chunk.
  func forEachRow(_ body: (ResultChunk, Int) throws -> Void) throws {
    while let chunk = try next() {
      for row in 0..<chunk.count { try body(chunk, row) }
    }
  }
}

/// Up to a vector's worth of rows, by column. Columns are read as the type they have in the statement.
final class ResultChunk {
  let count: Int
  private let library: DuckDBLibrary
  private var handle: CDuckDBChunk?

  fileprivate init(_ library: DuckDBLibrary, _ handle: CDuckDBChunk) {
    (self.library, self.handle) = (library, handle)
    count = Int(library.call.data_chunk_get_size(handle))
  }

  deinit { library.call.destroy_data_chunk(&handle) }

  func column(_ index: Int) -> ResultColumn {
    let vector = library.call.data_chunk_get_vector(handle, UInt64(index))
    guard let data = library.call.vector_get_data(vector) else { preconditionFailure("column \(index) is absent") }
    return ResultColumn(data: data, validity: library.call.vector_get_validity(vector))
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
    isNull(row) ? nil : value(row)
  }

  func time(_ row: Int) -> Timestamp { Timestamp(microseconds: value(row)) }

  /// `DECIMAL(20,8)`, kept as a 128-bit integer.
  func decimal(_ row: Int) -> Decimal8? {
    isNull(row) ? nil : Decimal8(units: value(row, as: Int128.self))
  }

  func text(_ row: Int) -> String {
    let string = data.advanced(by: row * MemoryLayout<CDuckDBString>.stride)
    let length = Int(string.load(as: UInt32.self))
    let start =
      length <= 12
      ? UnsafeRawPointer(string + 4) : string.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
    return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
  }
}
