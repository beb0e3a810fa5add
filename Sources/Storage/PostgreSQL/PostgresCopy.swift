internal import CPostgres

/// Rows on their way into a table, in binary; nothing else runs on the connection until it has ended.
final class PostgresCopy {
  private let connection: PostgresConnection
  private var buffer = PostgresBuffer(capacity: PostgresCopy.piece + 4096)
  private let columns: Int16
  private var isOpen = true
  private(set) var rows = 0

  /// What is sent at once.
  private static let piece = 1 << 16
  private static let header: [UInt8] =
    Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)

  /// - Parameter table: with its columns, `table (a, b)`.
  init(_ connection: PostgresConnection, into table: String, columns: Int) throws(StoreError) {
    (self.connection, self.columns) = (connection, Int16(columns))
    _ = try connection.checked(PQexec(connection.handle, "COPY \(table) FROM STDIN (FORMAT binary)"))
    Self.header.withUnsafeBytes { buffer.put($0) }
  }

  deinit {
    if isOpen { abandon() }
  }

  /// `body` puts a field for each column.
  func row(_ body: (inout PostgresBuffer) -> Void) throws(StoreError) {
    buffer.put(columns)
    body(&buffer)
    rows += 1
    if buffer.count >= Self.piece { try send() }
  }

  /// Ends the rows; the server has taken all of them, or none.
  func finish() throws(StoreError) {
    buffer.put(Int16(-1))
    try send()
    isOpen = false
    guard PQputCopyEnd(connection.handle, nil) == 1 else { throw connection.connectionError() }
    try connection.takeResults()
  }

  private func send() throws(StoreError) {
    let sent = buffer.bytes.withMemoryRebound(to: CChar.self) { bytes in
      PQputCopyData(connection.handle, bytes.baseAddress, Int32(bytes.count))
    }
    guard sent == 1 else { throw connection.connectionError() }
    buffer.removeAll()
  }

  private func abandon() {
    isOpen = false
    guard PQputCopyEnd(connection.handle, "given up") == 1 else { return }
    try? connection.takeResults()
  }
}

extension PostgresConnection {
  /// Calls `body` with what `COPY … TO STDOUT` gives, piece by piece. An error of `body` leaves the connection unusable
  /// for anything but ending its transaction.
  package func copyOut(
    _ sql: String, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void
  ) throws(StoreError) {
    try askForCopy(sql)
    try takeCopy(body)
  }

  /// Has the server begin with `COPY … TO STDOUT`; the next thing done on the connection is to take what it gives.
  func askForCopy(_ sql: String) throws(StoreError) {
    guard PQsendQuery(handle, sql) == 1 else { throw connectionError() }
  }

  func takeCopy(_ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void) throws(StoreError) {
    do throws(StoreError) {
      _ = try checked(PQgetResult(handle))
    } catch {
      try? takeResults()
      throw error
    }
    while true {
      var bytes: UnsafeMutablePointer<CChar>?
      let count = PQgetCopyData(handle, &bytes, 0)
      guard count >= 0 else { break }
      defer { PQfreemem(bytes) }
      try body(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }
    try takeResults()
  }

  /// Hands `COPY … FROM STDIN` bytes that are in its form already, until `next` gives `nil`.
  package func copyIn(_ sql: String, _ next: () throws -> [UInt8]?) throws {
    _ = try checked(PQexec(handle, sql))
    do {
      while let bytes = try next() {
        let sent = bytes.withUnsafeBytes { bytes in
          bytes.withMemoryRebound(to: CChar.self) { PQputCopyData(handle, $0.baseAddress, Int32($0.count)) }
        }
        guard sent == 1 else { throw connectionError() }
      }
    } catch {
      PQputCopyEnd(handle, "given up")
      while let result = PQgetResult(handle) { PQclear(result) }
      throw error
    }
    guard PQputCopyEnd(handle, nil) == 1 else { throw connectionError() }
    try takeResults()
  }

  /// Takes what is left of a statement's results; the first error is thrown once none is left.
  fileprivate func takeResults() throws(StoreError) {
    var failure: StoreError?
    while let result = PQgetResult(handle) {
      do throws(StoreError) { _ = try checked(result) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }
}
