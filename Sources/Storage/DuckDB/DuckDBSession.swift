internal import CDuckDB
import Market

/// One value bound to a `?` of a statement.
enum SQLValue {
  case integer(Int64)
  case optionalInteger(Int64?)
  /// As wide as its column, as the next is: where the type differs, each execution has to convert.
  case narrow(Int32)
  case byte(UInt8)
  /// `DECIMAL(20,8)`.
  case decimal(Decimal8)
  case boolean(Bool)
  case double(Double?)
  case text(String)
  case optionalText(String?)
  case instant(Timestamp)
  case optionalInstant(Timestamp?)
}

/// One database, open, with one connection to it.
final class DuckDBSession {
  enum Access: String {
    case readWrite = "READ_WRITE"
    case readOnly = "READ_ONLY"
  }

  struct Limits {
    /// One by default: what a store does is bound by one reader or one writer, and a waiting second thread of DuckDB
    /// spins on the core that decoding needs.
    var threads = 1
    var memoryMegabytes = 256
  }

  let library: DuckDBLibrary
  /// Names the database in errors.
  let path: String
  private var database: CDuckDBDatabase?
  private(set) var connection: CDuckDBConnection?
  /// Whose database this is a second connection to.
  private let owner: DuckDBSession?
  /// Of a database in a file that is written.
  private var doublewrite: DoublewriteFile?
  /// Checkpoints come when they are asked for, not with a transaction.
  private var foldsOnRequest = false
  /// Of those that every transaction needs, each is prepared once.
  private var frames: [Frame: CDuckDBStatement] = [:]
  /// Statements run as they are written; else DuckDB looks for a better plan.
  private var isPlain = false
  /// What the next statement asks for. It is told to DuckDB before that one, so that transactions in a row tell it once.
  private var wantsPlain = false

  /// What stands around the statements of a transaction.
  private enum Frame: String {
    case begin = "BEGIN TRANSACTION"
    case commit = "COMMIT"
    case rollback = "ROLLBACK"
    case plain = "PRAGMA disable_optimizer"
    case planned = "PRAGMA enable_optimizer"
  }

  /// A database in a file, or in memory when `file` is `nil`; `name` stands for it in errors.
  init(file: String?, name: String, access: Access = .readWrite, limits: Limits = Limits()) throws(StoreError) {
    library = try DuckDBLibrary.shared()
    path = name
    owner = nil
    var settings = [
      ("threads", "\(limits.threads)"), ("memory_limit", "\(limits.memoryMegabytes)MB"),
      ("autoinstall_known_extensions", "false"), ("autoload_known_extensions", "false"),
      // What a statement needed is given back after it; DuckDB's own 128 MB is more than we ever have.
      ("allocator_flush_threshold", "256KB"), ("allocator_bulk_deallocation_flush_threshold", "256KB"),
    ]
    if let file {
      settings.append(("access_mode", access.rawValue))
      DoublewriteFile.restore(file)
    }
    try open(file, settings)
    if let file, access == .readWrite { doublewrite = try DoublewriteFile(beside: file, name: name) }
    guard library.call.connect(database, &connection) == 0 else {
      throw .failed(path: path, reason: "no connection to the database")
    }
    try run("SET TimeZone = 'UTC'")
  }

  /// A second connection to the database of another session; another thread may use it.
  init(beside owner: DuckDBSession) throws(StoreError) {
    let first = owner.owner ?? owner
    (library, path, self.owner) = (first.library, first.path, first)
    guard library.call.connect(first.database, &connection) == 0 else {
      throw .failed(path: path, reason: "no connection to the database")
    }
    try run("SET TimeZone = 'UTC'")
  }

  deinit {
    for frame in frames.values {
      var handle: CDuckDBStatement? = frame
      library.call.destroy_prepare(&handle)
    }
    // Closing it is a checkpoint too. Where that is not safe, the log stays, and is read the next time.
    if (try? prepareToFold()) == nil { _ = try? run("PRAGMA disable_checkpoint_on_shutdown") }
    library.call.disconnect(&connection)
    if owner == nil { library.call.close(&database) }
  }

  // MARK: Checkpoints

  /// To be called before whatever may fold the log into the file.
  private func prepareToFold() throws(StoreError) {
    try doublewrite?.keep { () throws(StoreError) in
      var blocks: [Int64] = []
      try query("SELECT DISTINCT block_id FROM pragma_metadata_info() ORDER BY block_id").forEachRow {
        chunk, row throws(StoreError) in
        blocks.append(chunk.column(0).value(row))
      }
      return blocks
    }
  }

  /// Leaves it to `fold` to bring the log of commits into the file.
  func foldOnRequestOnly() throws(StoreError) {
    try run("SET checkpoint_threshold = '64GB'")
    foldsOnRequest = true
  }

  func fold() throws(StoreError) {
    try prepareToFold()
    try run("CHECKPOINT")
  }

  private func open(_ file: String?, _ settings: [(String, String)]) throws(StoreError) {
    var config: CDuckDBConfig?
    _ = library.call.create_config(&config)
    defer { library.call.destroy_config(&config) }
    for (name, value) in settings where library.call.set_config(config, name, value) != 0 {
      throw .failed(path: path, reason: "DuckDB refuses the setting \(name) = \(value)")
    }
    var message: UnsafeMutablePointer<CChar>?
    guard library.call.open_ext(file, &database, config, &message) != 0 else { return }
    let reason = message.map { String(cString: $0) } ?? "unknown"
    library.call.free(message)
    throw StoreError(opening: path, message: reason)
  }

  // MARK: Statements

  /// Runs one statement and returns how many rows it changed.
  @discardableResult
  func run(_ sql: String, _ values: [SQLValue] = []) throws(StoreError) -> Int {
    try query(sql, values).rowsChanged
  }

  func query(_ sql: String, _ values: [SQLValue] = []) throws(StoreError) -> QueryResult {
    try prepare(sql).execute(values)
  }

  /// The text in the first column of the first row.
  func text(_ sql: String) throws(StoreError) -> String? {
    try query(sql).next { chunk throws(StoreError) in chunk.count > 0 ? chunk.column(0).optionalText(0) : nil } ?? nil
  }

  func prepare(_ sql: String) throws(StoreError) -> Statement {
    try tellMode()
    return Statement(self, try handle(of: sql))
  }

  /// To be destroyed by who asks for it.
  private func handle(of sql: String) throws(StoreError) -> CDuckDBStatement? {
    var handle: CDuckDBStatement?
    guard library.call.prepare(connection, sql, &handle) == 0 else {
      let reason = library.call.prepare_error(handle).map { String(cString: $0) } ?? sql
      library.call.destroy_prepare(&handle)
      throw StoreError(using: path, message: reason)
    }
    return handle
  }

  /// To be called before anything is run or prepared.
  fileprivate func tellMode() throws(StoreError) {
    guard isPlain != wantsPlain else { return }
    try run(wantsPlain ? .plain : .planned)
    isPlain = wantsPlain
  }

  private func run(_ frame: Frame) throws(StoreError) {
    let known = if let kept = frames[frame] { kept } else { try handle(of: frame.rawValue) }
    frames[frame] = known
    var result = CDuckDBResult()
    defer { library.call.destroy_result(&result) }
    guard library.call.execute_prepared(known, &result) != 0 else { return }
    throw StoreError(using: path, message: library.call.result_error(&result).map { String(cString: $0) } ?? "")
  }

  /// A transaction of small statements: they run as they are written, because the search for a better plan would cost
  /// more than the statement itself.
  func plainTransaction<Value>(_ body: () throws -> Value) throws -> Value {
    wantsPlain = true
    defer { wantsPlain = false }
    return try transaction(body)
  }

  /// Lets a query in a plain transaction have a plan: one that reads little of a large table.
  func planned<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    let before = wantsPlain
    wantsPlain = false
    defer { wantsPlain = before }
    return try body()
  }

  /// All of `body`, or nothing of it.
  func transaction<Value>(_ body: () throws -> Value) throws -> Value {
    if !foldsOnRequest { try prepareToFold() }
    try run(.begin)
    do {
      let value = try body()
      try run(.commit)
      return value
    } catch {
      // A failed COMMIT has ended the transaction already; the first error is the one to report.
      _ = try? run(.rollback)
      throw error
    }
  }
}

/// A prepared statement; it may be executed many times.
final class Statement {
  private let session: DuckDBSession
  private var handle: CDuckDBStatement?
  private var call: CDuckDBFunctions { session.library.call }

  fileprivate init(_ session: DuckDBSession, _ handle: CDuckDBStatement?) {
    (self.session, self.handle) = (session, handle)
  }

  deinit { session.library.call.destroy_prepare(&handle) }

  /// The whole result, held in memory.
  func execute(_ values: [SQLValue] = []) throws(StoreError) -> QueryResult {
    try session.tellMode()
    try bind(values)
    var result = CDuckDBResult()
    return QueryResult(session, try checked(call.execute_prepared(handle, &result), &result))
  }

  /// The result as it is made; nothing else may run on the session until it has been read or dropped.
  func stream(_ values: [SQLValue] = []) throws(StoreError) -> QueryResult {
    try session.tellMode()
    try bind(values)
    var pending: CDuckDBPending?
    defer { call.destroy_pending(&pending) }
    guard call.pending_prepared_streaming(handle, &pending) == 0 else {
      throw StoreError(using: session.path, message: call.pending_error(pending).map { String(cString: $0) } ?? "")
    }
    var result = CDuckDBResult()
    return QueryResult(session, try checked(call.execute_pending(pending, &result), &result))
  }

  private func checked(_ status: CInt, _ result: inout CDuckDBResult) throws(StoreError) -> CDuckDBResult {
    guard status != 0 else { return result }
    let reason = call.result_error(&result).map { String(cString: $0) } ?? "unknown"
    call.destroy_result(&result)
    throw StoreError(using: session.path, message: reason)
  }

  private func bind(_ values: [SQLValue]) throws(StoreError) {
    for (offset, value) in values.enumerated() where bind(value, at: UInt64(offset + 1)) != 0 {
      throw .failed(path: session.path, reason: "value \(offset + 1) of a statement was refused")
    }
  }

  private func bind(_ value: SQLValue, at index: UInt64) -> CInt {
    switch value {
    case .integer(let number), .optionalInteger(let number?): call.bind_int64(handle, index, number)
    case .narrow(let number): call.bind_int32(handle, index, number)
    case .byte(let number): call.bind_uint8(handle, index, number)
    case .decimal(let decimal): call.bind_decimal(handle, index, CDuckDBDecimal(decimal))
    case .boolean(let flag): call.bind_boolean(handle, index, flag)
    case .double(let number?): call.bind_double(handle, index, number)
    case .text(let text), .optionalText(let text?):
      call.bind_varchar_length(handle, index, text, UInt64(text.utf8.count))
    case .instant(let time), .optionalInstant(let time?):
      call.bind_timestamp_tz(handle, index, CDuckDBTimestamp(microseconds: max(time.microseconds, -.max)))
    case .double(nil), .optionalInteger(nil), .optionalText(nil), .optionalInstant(nil): call.bind_null(handle, index)
    }
  }
}

extension CDuckDBDecimal {
  fileprivate init(_ decimal: Decimal8) {
    self.init(
      width: 20, scale: 8,
      units: CDuckDBWide(
        lower: UInt64(truncatingIfNeeded: decimal.units), upper: Int64(truncatingIfNeeded: decimal.units >> 64)))
  }
}

/// Statements that are needed again and again, each prepared once.
final class PreparedStatements {
  private let session: DuckDBSession
  private var statements: [String: Statement] = [:]

  init(_ session: DuckDBSession) { self.session = session }

  @discardableResult
  func run(_ sql: String, _ values: [SQLValue] = []) throws(StoreError) -> Int {
    try query(sql, values).rowsChanged
  }

  /// The result must be read before the statement is used again.
  func query(_ sql: String, _ values: [SQLValue] = []) throws(StoreError) -> QueryResult {
    if let known = statements[sql] { return try known.execute(values) }
    let statement = try session.prepare(sql)
    statements[sql] = statement
    return try statement.execute(values)
  }
}
