internal import CDuckDB
internal import Glibc
import Market

/// The tables of a DuckDB database, as far as they are its own.
struct DuckDBTables {
  struct Column {
    let column: StoredColumn
    let type: DuckDBType
    /// The sequence that numbers its rows.
    let sequence: String?
  }

  let session: DuckDBSession
  private let prefix: String
  private let columns: [String: [Column]]
  /// Tables of which this session has a copy of its own.
  private var copied: Set<String> = []

  init(_ session: DuckDBSession) throws(StoreError) {
    self.session = session
    let database = try Self.texts(session, "SELECT current_database()").first?[0] ?? ""
    prefix = database.inDoubleQuotes + ".main."
    columns = try Self.columns(of: session)
  }

  private static func columns(of session: DuckDBSession) throws(StoreError) -> [String: [Column]] {
    let rows = try texts(
      session,
      """
      SELECT t.table_name, c.column_name, c.data_type, c.column_default
      FROM duckdb_tables() t
      JOIN duckdb_columns() c ON c.database_oid = t.database_oid AND c.table_oid = t.table_oid
      WHERE t.database_name = current_database() AND t.schema_name = 'main' AND NOT t.temporary
        AND t.table_name <> '\(SchemaJournal.table)'
      ORDER BY t.table_name, c.column_index
      """)
    var tables: [String: [Column]] = [:]
    for row in rows {
      guard let table = row[0], let name = row[1], let type = DuckDBType(row[2] ?? "") else {
        throw .failed(path: session.path, reason: "\(row[0] ?? "").\(row[1] ?? "") is a \(row[2] ?? "") nobody knows")
      }
      tables[table, default: []].append(
        Column(column: StoredColumn(name, type.kind), type: type, sequence: row[3].flatMap(Self.sequence)))
    }
    return tables
  }

  /// Of `nextval('name')`.
  private static func sequence(in preset: String) -> String? {
    let parts = preset.split(separator: "'", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "nextval(" ? String(parts[1]) : nil
  }

  static func texts(_ session: DuckDBSession, _ sql: String) throws(StoreError) -> [[String?]] {
    var rows: [[String?]] = []
    try session.query("SELECT COLUMNS(*)::VARCHAR FROM (\(sql))").forEachRow { chunk, row throws(StoreError) in
      rows.append((0..<chunk.columnCount).map { chunk.column($0).optionalText(row) })
    }
    return rows
  }

  var all: [StoredTable] {
    columns.keys.sorted().map { StoredTable(name: $0, columns: columns[$0, default: []].map(\.column)) }
  }

  func columns(of table: String) throws(StoreError) -> [Column] {
    guard let columns = columns[table] else {
      throw .failed(path: session.path, reason: "there is no table \(table)")
    }
    return columns
  }

  func rows(of table: StoredTable) throws(StoreError) -> Int {
    let sql = "SELECT count(*) FROM \(place(of: table))\(condition(of: table))"
    return try session.query(sql).number().map { Int($0) } ?? 0
  }

  private func place(of table: StoredTable) -> String {
    (copied.contains(table.name) ? "temp.main." : prefix) + table.name.inDoubleQuotes
  }

  /// Has tails stand written down, in copies that this session alone sees.
  mutating func writeDownTails() throws(StoreError) {
    let tables = SeriesTables(session, PreparedStatements(session))
    guard columns["gap_ledger"] != nil, case let entries = try tables.unwritten(), !entries.isEmpty else { return }
    for name in ["series", "gap_ledger"] {
      try session.run("CREATE TEMP TABLE \(name) AS FROM \(prefix)\(name)")
      copied.insert(name)
    }
    try SeriesTables(session, PreparedStatements(session)).writeDown(entries)
  }

  /// Every store says itself which schema it has.
  private func condition(of table: StoredTable) -> String {
    table.name == "store_meta" ? " WHERE key <> 'schema_version'" : ""
  }

  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws {
    let known = try columns(of: table.name)
    let selection = table.columns.map { column in
      known.first { $0.column == column }?.type.selection(column.name.inDoubleQuotes) ?? "NULL"
    }
    let sql =
      "SELECT \(selection.joined(separator: ", ")) FROM \(place(of: table))\(condition(of: table))"
    let result = try session.prepare(sql).stream()
    while let batch = try result.next({ chunk throws(StoreError) in
      TableBatch(
        count: chunk.count,
        columns: table.columns.indices.map { index in
          ColumnValues(table.columns[index].kind, chunk.column(index), count: chunk.count)
        })
    }) {
      if batch.count > 0 { try body(batch) }
    }
  }
}

extension String {
  var inDoubleQuotes: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
}

// MARK: A store

extension DuckDBStore: Transferable {
  package func snapshot() throws -> any StoreSnapshot { try DuckDBSnapshot(self) }

  package func fill<Value>(_ body: (any TableFiller) throws -> Value) throws -> Value {
    defer { memory = LiveMemory() }
    return try session.transaction {
      try writeDownTails()
      return try body(DuckDBFiller(try DuckDBTables(session)))
    }
  }
}

/// `@unchecked` because handles are not `Sendable`: it has a connection of its own, and is used by one task at a time.
private final class DuckDBSnapshot: StoreSnapshot, @unchecked Sendable {
  let name: String
  private let session: DuckDBSession
  private let contents: DuckDBTables

  init(_ store: DuckDBStore) throws {
    name = store.name
    session = try DuckDBSession(beside: store.session)
    try session.run("BEGIN TRANSACTION")
    // The moment is that of the first look at the database.
    var contents = try DuckDBTables(session)
    try contents.writeDownTails()
    self.contents = contents
  }

  func tables() -> [StoredTable] { contents.all }

  func rows(of table: StoredTable) throws -> Int { try contents.rows(of: table) }

  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws { try contents.read(table, body) }

  func cells(_ sql: String) throws -> [[String?]] { try DuckDBTables.texts(session, sql) }

  func facts() throws -> StoreFacts {
    let version = try cells("SELECT max(TRY_CAST(value AS BIGINT)) FROM store_meta WHERE key = 'schema_version'")
    let log = Self.bytes(of: session.path + ".wal")
    let library = session.library.call.library_version().map { String(cString: $0) } ?? ""
    return StoreFacts(
      engine: "DuckDB \(library.drop { $0 == "v" })",
      schemaVersion: version.first?[0].flatMap { Int($0) } ?? 0, newestSchemaVersion: StoreSchema.version,
      bytes: Self.bytes(of: session.path) + log, others: [.init("log of commits", "\(log) bytes")])
  }

  private static func bytes(of path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}

private final class DuckDBFiller: TableFiller {
  private let contents: DuckDBTables
  var name: String { contents.session.path }

  init(_ contents: DuckDBTables) { self.contents = contents }

  func tables() -> [StoredTable] { contents.all }

  func rows(of table: StoredTable) throws -> Int { try contents.rows(of: table) }

  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws { try contents.read(table, body) }

  func sink(into table: String, _ columns: [StoredColumn]) throws -> any TableSink {
    try DuckDBSink(contents.session, table, try contents.columns(of: table), columns)
  }

  /// A sequence cannot be set; so it is drawn from until it is as far.
  func settle(_ table: StoredTable) throws {
    for column in try contents.columns(of: table.name) {
      guard let sequence = column.sequence else { continue }
      let name = column.column.name.inDoubleQuotes
      let last = try contents.session.query("SELECT max(\(name))::BIGINT FROM \(table.name.inDoubleQuotes)").number()
      guard let last, last > 0 else { continue }
      let quoted = sequence.replacing("'", with: "''")
      try contents.session.run("SELECT max(nextval('\(quoted)')) FROM range(\(last))")
    }
  }
}

private final class DuckDBSink: TableSink {
  private let path: String
  private let table: String
  private let types: [DuckDBType]
  private let columns: [StoredColumn]
  /// Place in a batch, by place in the table; `nil` stays empty.
  private let sources: [Int?]
  /// What a decimal's units stay below.
  private let limits: [Int128]
  private let appender: ChunkAppender

  init(
    _ session: DuckDBSession, _ table: String, _ all: [DuckDBTables.Column], _ columns: [StoredColumn]
  ) throws(StoreError) {
    (path, self.table, types) = (session.path, table, all.map(\.type))
    self.columns = all.map(\.column)
    sources = all.map { column in columns.firstIndex(of: column.column) }
    limits = types.map { type in
      guard case .numeric(let width, _) = type.appended else { return .max }
      return (0..<width).reduce(1 as Int128) { limit, _ in limit * 10 }
    }
    appender = try ChunkAppender(session, table: table, types.map(\.appended))
  }

  func append(_ batch: TableBatch) throws {
    for row in 0..<batch.count {
      for (place, source) in sources.enumerated() {
        guard let source, !batch.columns[source].isNull(row) else {
          appender.setNull(place)
          continue
        }
        try set(place, batch.columns[source].storage, row)
      }
      try appender.endRow()
    }
  }

  func finish() throws { try appender.finish() }

  private func set(_ place: Int, _ storage: ColumnValues.Storage, _ row: Int) throws {
    switch storage {
    case .words(let values): try set(place, word: values[row])
    case .units(let values): try set(place, units: values[row])
    case .doubles(let values): appender.set(place, values[row])
    case .texts(let values): appender.set(place, text: values[row])
    }
  }

  private func set(_ place: Int, word: Int64) throws {
    switch types[place].appended {
    case .boolean: appender.set(place, UInt8(word == 0 ? 0 : 1))
    case .utinyint: appender.set(place, try exactly(word, place, UInt8.self))
    case .smallint: appender.set(place, try exactly(word, place, Int16.self))
    case .integer, .date: appender.set(place, try exactly(word, place, Int32.self))
    case .instant: appender.set(place, Timestamp(microseconds: word))
    default: appender.set(place, word)
    }
  }

  private func set(_ place: Int, units: Int128) throws {
    guard case .numeric(let width, _) = types[place].appended else { return appender.set(place, units) }
    guard units > -limits[place], units < limits[place] else { throw tooLarge("\(units)", place) }
    switch width {
    case ...4: appender.set(place, Int16(units))
    case ...9: appender.set(place, Int32(units))
    case ...18: appender.set(place, Int64(units))
    default: appender.set(place, units)
    }
  }

  private func exactly<Word: FixedWidthInteger>(
    _ value: Int64, _ place: Int, _ type: Word.Type
  ) throws(TransferError) -> Word {
    guard let word = Word(exactly: value) else { throw tooLarge("\(value)", place) }
    return word
  }

  private func tooLarge(_ value: String, _ place: Int) -> TransferError {
    .doesNotFit(store: path, column: "\(table).\(columns[place].name)", reason: "\(value) is too large")
  }
}
