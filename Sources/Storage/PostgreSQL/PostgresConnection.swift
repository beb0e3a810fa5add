internal import CPostgres
import Market

/// One session with a server, used by one task at a time.
///
/// `@unchecked` because the handle is not `Sendable`; the pool lends a connection to one borrower at a time.
package final class PostgresConnection: @unchecked Sendable {
  /// Names the database in errors.
  package let path: String
  package let canceller: PostgresCanceller
  /// The code of the last error that a statement ended with.
  package private(set) var lastErrorCode = ""
  let handle: OpaquePointer
  private let notices: NoticeSink
  private var prepared: [PreparedKey: String] = [:]

  static let oldestServer: Int32 = 150_000

  /// - Parameter notice: hears what the server remarks; without it remarks are passed over.
  package init(
    _ location: PostgresLocation, _ limits: PostgresLimits = PostgresLimits(), isReadOnly: Bool = false,
    notice: (@Sendable (String) -> Void)? = nil
  ) throws(StoreError) {
    path = location.description
    guard let handle = Self.connect(location, limits) else {
      throw .unavailable(path: location.description, reason: "there is no memory for a connection")
    }
    self.handle = handle
    notices = NoticeSink(notice)
    guard PQstatus(handle) == CONNECTION_OK, let cancel = PQgetCancel(handle) else {
      let message = String(cString: PQerrorMessage(handle))
      canceller = PostgresCanceller(nil)
      throw StoreError(connecting: path, message: message)
    }
    canceller = PostgresCanceller(cancel)
    PQsetNoticeReceiver(handle, NoticeSink.receive, Unmanaged.passUnretained(notices).toOpaque())
    guard PQserverVersion(handle) >= Self.oldestServer else {
      let version = PQparameterStatus(handle, "server_version").map { String(cString: $0) } ?? "of this server"
      throw .outdated(
        path: path,
        reason: "PostgreSQL \(version.prefix(40)) is too old; upgrade the server to 15 or later, or give another one")
    }
    try setUp(limits, isReadOnly)
  }

  deinit { PQfinish(handle) }

  private static func connect(_ location: PostgresLocation, _ limits: PostgresLimits) -> OpaquePointer? {
    var settings = location.settings.map { ($0.name, $0.value) }
    if let password = location.password { settings.append(("password", password.reveal())) }
    settings += [("fallback_application_name", "candlecast"), ("client_encoding", "UTF8")]
    if !location.has("connect_timeout") { settings.append(("connect_timeout", "\(limits.connectSeconds)")) }
    // A server that went away without a word is noticed after a minute.
    if !location.has("tcp_user_timeout") { settings.append(("tcp_user_timeout", "60000")) }
    return withCStrings(settings.map(\.0)) { names in
      withCStrings(settings.map(\.1)) { PQconnectdbParams(names, $0, 0) }
    }
  }

  private static func withCStrings<Value>(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
  ) -> Value {
    var bytes: [CChar] = []
    var offsets: [Int] = []
    for text in texts {
      offsets.append(bytes.count)
      bytes += text.utf8CString
    }
    bytes.append(0)
    return bytes.withUnsafeBufferPointer { all in
      var pointers = offsets.map { offset in all.baseAddress.map { start in start + offset } }
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { list in
        guard let start = list.baseAddress else { preconditionFailure("a list that ends has an address") }
        return body(start)
      }
    }
  }

  private func setUp(_ limits: PostgresLimits, _ isReadOnly: Bool) throws(StoreError) {
    try script(
      """
      SET TimeZone = 'UTC';
      SET DateStyle = 'ISO, YMD';
      SET default_transaction_isolation = 'read committed';
      SET statement_timeout = '\(limits.statementSeconds)s';
      SET lock_timeout = '\(limits.lockSeconds)s';
      SET default_transaction_read_only = \(isReadOnly ? "on" : "off");
      """)
  }

  /// Neither broken nor in the middle of something.
  package var isIdle: Bool {
    PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE
      && PQpipelineStatus(handle) == PQ_PIPELINE_OFF
  }

  /// Idle, and the server has not hung up meanwhile. Costs two looks at the socket: the first may find a farewell, and
  /// the connection's end comes later.
  var isHealthy: Bool {
    guard isIdle, PQconsumeInput(handle) == 1, PQconsumeInput(handle) == 1 else { return false }
    return PQisBusy(handle) == 0 && !notices.heardFarewell && isIdle
  }

  // MARK: Statements

  /// Statements without values, separated by semicolons, in one transaction unless they say otherwise.
  package func script(_ sql: String) throws(StoreError) {
    _ = try checked(PQexec(handle, sql))
  }

  /// Runs one statement and returns how many rows it changed.
  @discardableResult
  package func run(_ sql: String, _ values: [PostgresValue] = []) throws(StoreError) -> Int {
    try query(sql, values).changed
  }

  /// Runs one statement, which is prepared the first time.
  package func query(_ sql: String, _ values: [PostgresValue] = []) throws(StoreError) -> PostgresRows {
    let name = try prepare(sql, values)
    return try checked(
      Self.withParameters(values) { PQexecPrepared(handle, name, $0, $1, $2, $3, 1) })
  }

  /// All of them at once in one transaction, which takes one round trip; returns how many rows each one changed.
  package func pipeline(_ statements: [PostgresStatement]) throws(StoreError) -> [Int] {
    let names = try statements.map { statement throws(StoreError) in try prepare(statement.sql, statement.values) }
    guard PQenterPipelineMode(handle) == 1 else { throw connectionError() }
    for (name, statement) in zip(names, statements) {
      let sent = Self.withParameters(statement.values) { PQsendQueryPrepared(handle, name, $0, $1, $2, $3, 1) }
      guard sent == 1 else { throw connectionError() }
    }
    guard PQpipelineSync(handle) == 1 else { throw connectionError() }
    let changed = try pipelineResults()
    guard PQexitPipelineMode(handle) == 1 else { throw connectionError() }
    return changed
  }

  private func pipelineResults() throws(StoreError) -> [Int] {
    var changed: [Int] = []
    var failure: StoreError?
    var isAtEnd = false
    while true {
      guard let result = PQgetResult(handle) else {
        // One end for each statement; two in a row come only when there is no server any more.
        guard !isAtEnd, PQstatus(handle) == CONNECTION_OK else { throw failure ?? connectionError() }
        isAtEnd = true
        continue
      }
      isAtEnd = false
      switch PQresultStatus(result) {
      case PGRES_PIPELINE_SYNC:
        PQclear(result)
        guard let failure else { return changed }
        PQexitPipelineMode(handle)
        throw failure
      case PGRES_PIPELINE_ABORTED: PQclear(result)
      default:
        do throws(StoreError) {
          changed.append(try checked(result).changed)
        } catch {
          failure = failure ?? error
        }
      }
    }
  }

  /// All of `body`, or nothing of it.
  package func transaction<Value>(_ body: () throws -> Value) throws -> Value {
    try script("BEGIN")
    do {
      let value = try body()
      try commit()
      return value
    } catch {
      // A failed COMMIT has ended the transaction already; the first error is the one to report.
      try? script("ROLLBACK")
      throw error
    }
  }

  private func commit() throws(StoreError) {
    let result = PQexec(handle, "COMMIT")
    let tag = result.flatMap { PQcmdStatus($0) }.map { String(cString: $0) }
    _ = try checked(result)
    guard tag == "COMMIT" else { throw .failed(path: path, reason: "the server gave the transaction up") }
  }

  /// A statement has another meaning with values of other types.
  private struct PreparedKey: Hashable {
    let sql: String
    let types: [UInt32]
  }

  private func prepare(_ sql: String, _ values: [PostgresValue]) throws(StoreError) -> String {
    let key = PreparedKey(sql: sql, types: values.map(\.type))
    if let known = prepared[key] { return known }
    let name = "s\(prepared.count)"
    _ = try checked(
      key.types.withUnsafeBufferPointer { PQprepare(handle, name, sql, Int32(values.count), $0.baseAddress) })
    prepared[key] = name
    return name
  }

  private static func withParameters<Result>(
    _ values: [PostgresValue],
    _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Result
  ) -> Result {
    var buffer = PostgresBuffer(capacity: 32 * values.count + 8)
    var starts: [Int?] = []
    var lengths: [Int32] = []
    for value in values {
      let start = buffer.count + 4
      value.put(into: &buffer)
      let isNull = buffer.bytes.loadUnaligned(fromByteOffset: start - 4, as: Int32.self) == -1
      starts.append(isNull ? nil : start)
      lengths.append(Int32(clamping: buffer.count - start))
    }
    let base = buffer.bytes.baseAddress
    let pointers = starts.map { start in start.flatMap { base?.advanced(by: $0).assumingMemoryBound(to: CChar.self) } }
    let formats = [Int32](repeating: 1, count: values.count)
    return pointers.withUnsafeBufferPointer { pointers in
      body(Int32(values.count), pointers.baseAddress, lengths, formats)
    }
  }

  // MARK: Results

  /// Takes a result over, or the error that it is.
  func checked(_ result: OpaquePointer?) throws(StoreError) -> PostgresRows {
    guard let result else { throw connectionError() }
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_COPY_IN, PGRES_COPY_OUT: return PostgresRows(result, path: path)
    default:
      defer { PQclear(result) }
      func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
      lastErrorCode = field(candlecast_pq_sqlstate) ?? ""
      let message = field(candlecast_pq_primary) ?? String(cString: PQresultErrorMessage(result))
      // What has no code was not said by the server: the connection has failed, whether libpq has marked it or not.
      guard PQstatus(handle) == CONNECTION_OK, !lastErrorCode.isEmpty else {
        throw .unavailable(path: path, reason: message.isEmpty ? "the connection is gone" : Self.line(of: message))
      }
      throw StoreError(postgres: path, code: lastErrorCode, message: message)
    }
  }

  func connectionError() -> StoreError {
    let message = String(cString: PQerrorMessage(handle))
    return .unavailable(path: path, reason: message.isEmpty ? "the connection is gone" : Self.line(of: message))
  }

  private static func line(of message: String) -> String { String(message.prefix { !$0.isNewline }) }
}

/// One of several statements that are sent together.
package struct PostgresStatement: Sendable {
  package let sql: String
  package let values: [PostgresValue]

  package init(_ sql: String, _ values: [PostgresValue]) { (self.sql, self.values) = (sql, values) }
}

/// Stops what a connection is doing, from any thread.
///
/// `@unchecked` because the handle is not `Sendable`; it never changes, and libpq lets any thread use it.
package final class PostgresCanceller: @unchecked Sendable {
  private let handle: OpaquePointer?

  fileprivate init(_ handle: OpaquePointer?) { self.handle = handle }

  deinit { PQfreeCancel(handle) }

  /// Asks the server, which may have finished meanwhile; the statement under way ends with an error.
  package func cancel() {
    var reason = [CChar](repeating: 0, count: 256)
    _ = PQcancel(handle, &reason, Int32(reason.count))
  }
}

private final class NoticeSink {
  /// The server has said that it ends the session.
  private(set) var heardFarewell = false
  private let body: (@Sendable (String) -> Void)?

  init(_ body: (@Sendable (String) -> Void)?) { self.body = body }

  static let receive: PQnoticeReceiver = { context, result in
    guard let context, let result, let text = PQresultErrorMessage(result) else { return }
    let sink = Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
    let code = PQresultErrorField(result, candlecast_pq_sqlstate).map { String(cString: $0) } ?? ""
    // Shut down, crashed, or the session was ended.
    if code.hasPrefix("57P") { sink.heardFarewell = true }
    sink.body?(String(cString: text).trimmingTrailingNewline)
  }
}

extension String {
  fileprivate var trimmingTrailingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
