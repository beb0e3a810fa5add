internal import Glibc
internal import Synchronization

/// A store in one DuckDB file, owned by one process and used by one task at a time.
package final class DuckDBStore {
  package static let defaultPath = "feature_store/bitcoin.duckdb"

  /// What may stand beside a store: its log, and what undoes a checkpoint that was cut off.
  package static func filesBeside(_ path: String) -> [String] { [path + ".wal", path + DoublewriteFile.suffix] }

  package let path: String
  package var name: String { path }
  let session: DuckDBSession
  let statements: PreparedStatements
  let tables: SeriesTables
  /// What commits remember of the stored rows.
  var memory = LiveMemory()
  private let claim: PathClaim
  /// Neither opened for reading alone nor beside another.
  private let isWriter: Bool

  private init(_ path: String, _ claim: PathClaim, _ session: DuckDBSession, isWriter: Bool) {
    (self.path, self.claim, self.session, self.isWriter) = (path, claim, session, isWriter)
    statements = PreparedStatements(session)
    tables = SeriesTables(session, statements)
  }

  package convenience init(
    path: String, mode: StoreLocation.Access = .create, threads: Int = 1, memoryMegabytes: Int = 256
  ) throws(StoreError) {
    if mode == .create { try Self.makeFolders(of: path) }
    let isThere = access(path, F_OK) == 0
    guard isThere || mode == .create else { throw .absent(path: path) }
    let claim = try PathClaim.take(path)
    if mode == .create { Self.removeUnfinished(path) }
    let session = try DuckDBSession(
      file: path, name: path, access: mode == .readOnly ? .readOnly : .readWrite,
      limits: .init(threads: threads, memoryMegabytes: memoryMegabytes))
    self.init(path, claim, session, isWriter: mode != .readOnly)
    try Self.settleSchema(of: session, isReadOnly: mode == .readOnly)
    if isWriter { try settleTables() }
  }

  /// Another store's file, and what its log says beside that, as one copied them.
  ///
  /// - Parameter path: of the store, in errors and to users.
  convenience init(copy: String, of path: String, memoryMegabytes: Int) throws(StoreError) {
    let claim = try PathClaim.take(copy)
    let session = try DuckDBSession(
      file: copy, name: path, access: .readOnly, limits: .init(memoryMegabytes: memoryMegabytes))
    self.init(path, claim, session, isWriter: false)
    try Self.settleSchema(of: session, isReadOnly: true)
  }

  /// The same database over a second connection. It keeps the file claimed, because it keeps the database open.
  convenience init(beside owner: DuckDBStore) throws(StoreError) {
    self.init(owner.path, owner.claim, try DuckDBSession(beside: owner.session), isWriter: false)
  }

  /// A file that is at rest says all in its tables, to other programs too. After a failure the next store sees to that.
  deinit {
    if isWriter, memory.series.values.contains(where: { $0.unwritten > 0 }) {
      try? settleTables()
    }
  }

  /// A file that a process was killed over while it made it has not all of its three headers yet, and so nothing in it.
  /// DuckDB would call it damaged for ever.
  private static func removeUnfinished(_ path: String) {
    let headerBytes = 4096
    var status = stat()
    guard stat(path, &status) == 0, (headerBytes..<3 * headerBytes).contains(Int(status.st_size)) else { return }
    let file = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var start = [UInt8](repeating: 0, count: 12)
    guard pread(file, &start, start.count, 0) == start.count, start[8...].elementsEqual("DUCK".utf8) else { return }
    // Who makes it now holds it.
    var lock = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    guard fcntl(file, F_SETLK, &lock) == 0 else { return }
    unlink(path)
  }

  private static func settleSchema(of session: DuckDBSession, isReadOnly: Bool) throws(StoreError) {
    guard try count(session, "SELECT count(*) FROM duckdb_tables()") > 0 else {
      return try change(session) { try StoreSchema.create(in: session) }
    }
    guard try count(session, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'store_meta'") == 1 else {
      throw .foreign(path: session.path)
    }
    let sql = "SELECT coalesce(max(TRY_CAST(value AS BIGINT)), 0) FROM store_meta WHERE key = 'schema_version'"
    let found = try count(session, sql)
    guard found <= StoreSchema.version else {
      throw .newerSchema(path: session.path, reason: "schema \(found), known up to \(StoreSchema.version)")
    }
    guard found > 0 else { throw .foreign(path: session.path) }
    let noted = try SchemaJournal.check(session, version: found)
    guard noted < StoreSchema.version else { return }
    try change(session) {
      if isReadOnly {
        try StoreSchema.supplement(session, from: found)
      } else {
        try StoreSchema.upgrade(session, from: found, noted: noted)
      }
    }
  }

  static func change(_ session: DuckDBSession, _ body: () throws -> Void) throws(StoreError) {
    do {
      try body()
    } catch let error as StoreError {
      throw error
    } catch {
      throw .failed(path: session.path, reason: "\(error)")
    }
  }

  private static func count(_ session: DuckDBSession, _ sql: String) throws(StoreError) -> Int {
    try session.query(sql).number().map { Int($0) } ?? 0
  }

  private static func makeFolders(of path: String) throws(StoreError) {
    for index in path.indices where path[index] == "/" && index > path.startIndex {
      let folder = String(path[..<index])
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw .cannotOpen(
          path: path, reason: "the folder \(folder) cannot be made: \(String(cString: strerror(errno)))")
      }
    }
  }
}

/// Keeps a second store off a file within this process, where the file's lock does not.
private final class PathClaim {
  private static let held = Mutex<Set<String>>([])
  private let key: String

  private init(key: String) { self.key = key }

  deinit { Self.held.withLock { _ = $0.remove(key) } }

  static func take(_ path: String) throws(StoreError) -> PathClaim {
    let key = canonical(path)
    guard held.withLock({ $0.insert(key).inserted }) else { throw .locked(path: path, holder: StoreError.ourselves) }
    return PathClaim(key: key)
  }

  private static func canonical(_ path: String) -> String {
    let split = path.lastIndex(of: "/")
    let folder = split.map { String(path[...$0]) } ?? "."
    guard let resolved = realpath(folder, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved) + "/" + (split.map { path[path.index(after: $0)...] } ?? path[...])
  }
}
