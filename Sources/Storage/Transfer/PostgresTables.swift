internal import CPostgres
import Market

/// The tables of a store in PostgreSQL, without those that only PostgreSQL needs.
final class PostgresTables {
  struct Column {
    let column: StoredColumn
    let type: PostgresType
    /// What numbers its rows.
    let sequence: String?
  }

  let connection: PostgresConnection
  private let columns: [String: [Column]]
  private var cursors = 0

  /// What only this database has: the journal of migrations, counts of writes, numbers of rows, a time made of another.
  private static let ownTables: Set = ["schema_migrations"]
  private static let ownColumns: Set = [
    "series.writes", "training_metadata.id", "predictions.id", "feature_cache.id", "feature_cache.open_time",
  ]

  init(_ connection: PostgresConnection) throws(StoreError) {
    self.connection = connection
    let known = Set(PostgresSchema.names.map { $0.filter { $0 != "\"" } })
    let rows = try connection.query(
      """
      SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attidentity <> '' THEN pg_get_serial_sequence(quote_ident(c.relname), a.attname)
          ELSE substring(pg_get_expr(d.adbin, d.adrelid) FROM '^nextval\\(''(.*)''::regclass\\)$') END
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE c.relnamespace = current_schema()::text::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      ORDER BY c.relname, a.attnum
      """)
    var tables: [String: [Column]] = [:]
    for row in 0..<rows.count {
      let (table, name, type) = (try rows.text(row, 0), try rows.text(row, 1), try rows.text(row, 2))
      guard known.contains(table), !Self.ownTables.contains(table), !Self.ownColumns.contains("\(table).\(name)")
      else { continue }
      guard let read = PostgresType(type) else {
        throw .failed(path: connection.path, reason: "\(table).\(name) is a \(type) nobody knows")
      }
      tables[table, default: []].append(
        Column(column: StoredColumn(name, read.kind), type: read, sequence: rows.optionalText(row, 3)))
    }
    columns = tables
  }

  var all: [StoredTable] {
    columns.keys.sorted().map { StoredTable(name: $0, columns: columns[$0, default: []].map(\.column)) }
  }

  func columns(of table: String) throws(StoreError) -> [Column] {
    guard let columns = columns[table] else {
      throw .failed(path: connection.path, reason: "there is no table \(table)")
    }
    return columns
  }

  func rows(of table: StoredTable) throws(StoreError) -> Int {
    Int(
      try connection.query("SELECT count(*) FROM \(table.name.inDoubleQuotes)\(condition(of: table))").integer(0, 0))
  }

  /// Every store says itself which schema it has.
  private func condition(of table: StoredTable) -> String {
    table.name == "store_meta" ? " WHERE key <> 'schema_version'" : ""
  }

  /// Within a transaction.
  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws {
    let known = try columns(of: table.name)
    let types = try table.columns.map { column throws(StoreError) in
      guard let found = known.first(where: { $0.column == column }) else {
        throw .failed(path: connection.path, reason: "there is no \(column.kind) \(table.name).\(column.name)")
      }
      return found.type
    }
    let selection = zip(types, table.columns).map { $0.selection($1.name.inDoubleQuotes) }.joined(separator: ", ")
    // A statement is prepared once, and what a cursor gives must not change after that.
    cursors += 1
    let cursor = "transfer_\(cursors)"
    try connection.script(
      "DECLARE \(cursor) NO SCROLL CURSOR FOR SELECT \(selection) FROM \(table.name.inDoubleQuotes)\(condition(of: table))"
    )
    while true {
      let rows = try connection.query("FETCH 4096 FROM \(cursor)")
      guard rows.count > 0 else { break }
      var values: [ColumnValues] = []
      for (index, type) in types.enumerated() { values.append(try type.values(rows, index)) }
      try body(TableBatch(count: rows.count, columns: values))
    }
    try connection.script("CLOSE \(cursor)")
  }

  func cells(_ sql: String) throws(StoreError) -> [[String?]] {
    let result = PQexec(connection.handle, sql)
    let width = Int(PQnfields(result))
    let rows = try connection.checked(result)
    return (0..<rows.count).map { row in (0..<width).map { rows.optionalText(row, $0) } }
  }
}

// MARK: A store

extension PostgresStore: Transferable {
  package func snapshot() throws -> any StoreSnapshot { try PostgresSnapshot(self) }

  package func fill<Value>(_ body: (any TableFiller) throws -> Value) throws -> Value {
    defer {
      memory = PostgresMemory()
      partitions.forget()
    }
    return try pool.withConnection { connection in
      try connection.transaction {
        try connection.script("SET LOCAL statement_timeout = 0")
        return try body(PostgresFiller(try PostgresTables(connection), partitions))
      }
    }
  }
}

/// A transaction of its own connection, which another task than the store's may use.
///
/// `@unchecked` because the tables are not `Sendable`; a snapshot is used by one task at a time.
private final class PostgresSnapshot: StoreSnapshot, @unchecked Sendable {
  let name: String
  private let contents: PostgresTables

  init(_ store: PostgresStore) throws {
    name = store.name
    let connection = try PostgresConnection(store.location, store.pool.limits, isReadOnly: true)
    // The moment is that of the first query.
    try connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; SELECT 1")
    contents = try PostgresTables(connection)
  }

  func tables() -> [StoredTable] { contents.all }

  func rows(of table: StoredTable) throws -> Int { try contents.rows(of: table) }

  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws { try contents.read(table, body) }

  func cells(_ sql: String) throws -> [[String?]] { try contents.cells(sql) }

  func facts() throws -> StoreFacts {
    let row =
      try contents.cells(
        """
        SELECT current_setting('server_version'), (SELECT max(version) FROM schema_migrations),
          (SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
            WHERE relnamespace = current_schema()::text::regnamespace AND relkind = 'r'),
          (SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent
            WHERE relkind = 'p' AND relnamespace = current_schema()::text::regnamespace),
          (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), pg_size_pretty(pg_database_size(current_database()))
        """
      ).first ?? []
    func number(_ column: Int) -> Int { row[column].flatMap { Int($0) } ?? 0 }
    let more = row[4] == nil ? (bytes: 0, count: 0) : try chunks()
    return StoreFacts(
      engine: "PostgreSQL \((row[0] ?? "").prefix { $0 != " " })", schemaVersion: number(1),
      newestSchemaVersion: PostgresSchema.steps.count, bytes: number(2) + more.bytes,
      others: [
        .init("partitions", "\(number(3) + more.count)"), .init("TimescaleDB", row[4] ?? "not there"),
        .init("whole database", row[5] ?? ""),
      ])
  }

  /// Of hypertables, beside the tables themselves: they are in a schema of their own.
  private func chunks() throws -> (bytes: Int, count: Int) {
    let row =
      try contents.cells(
        """
        SELECT coalesce(sum(hypertable_size(name) - pg_total_relation_size(name)), 0), coalesce(sum(num_chunks), 0)
        FROM (SELECT format('%I.%I', hypertable_schema, hypertable_name)::regclass AS name, num_chunks
          FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema()) AS hypertables
        """
      ).first ?? []
    let numbers = row.map { $0.flatMap { Int($0) } ?? 0 }
    return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
  }
}

private final class PostgresFiller: TableFiller {
  private let contents: PostgresTables
  private let partitions: PostgresPartitions
  var name: String { contents.connection.path }

  init(_ contents: PostgresTables, _ partitions: PostgresPartitions) {
    (self.contents, self.partitions) = (contents, partitions)
  }

  func tables() -> [StoredTable] { contents.all }

  func rows(of table: StoredTable) throws -> Int { try contents.rows(of: table) }

  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws { try contents.read(table, body) }

  func sink(into table: String, _ columns: [StoredColumn]) throws -> any TableSink {
    let known = try contents.columns(of: table)
    let types = try columns.map { column in
      guard let found = known.first(where: { $0.column == column }) else {
        throw TransferError.unknownColumn(store: name, source: "the source", column: "\(table).\(column.name)")
      }
      return found.type
    }
    return PostgresSink(contents.connection, partitions, table, columns, types)
  }

  func settle(_ table: StoredTable) throws {
    for column in try contents.columns(of: table.name) {
      guard let sequence = column.sequence else { continue }
      let name = column.column.name.inDoubleQuotes
      try contents.connection.run(
        """
        SELECT setval($1::text::regclass, last) FROM (SELECT max(\(name)) AS last FROM \(table.name.inDoubleQuotes)) rows
        WHERE last > 0
        """, [.text(sequence)])
    }
  }
}

private final class PostgresSink: TableSink {
  private let connection: PostgresConnection
  private let partitions: PostgresPartitions
  private let table: String
  private let columns: [StoredColumn]
  private let types: [PostgresType]
  /// Of its rows, where the table has partitions: the kind of table, and the column that tells the partition.
  private let partitioning: (table: PostgresPartitions.Table, column: Int)?
  /// Place of the decision time of a vector, of which the table also keeps the open time of its newest candle.
  private let decisionTime: Int?
  private var copy: PostgresCopy?

  init(
    _ connection: PostgresConnection, _ partitions: PostgresPartitions, _ table: String, _ columns: [StoredColumn],
    _ types: [PostgresType]
  ) {
    (self.connection, self.partitions, self.table) = (connection, partitions, table)
    (self.columns, self.types) = (columns, types)
    let kind = PostgresPartitions.Table(rawValue: table)
    partitioning = kind.flatMap { kind in
      columns.firstIndex { $0.name == kind.column }.map { (kind, $0) }
    }
    decisionTime = table == "feature_cache" ? columns.firstIndex { $0.name == "time" } : nil
  }

  func append(_ batch: TableBatch) throws {
    for (index, values) in batch.columns.enumerated() {
      if let misfit = types[index].misfit(in: values) {
        throw TransferError.doesNotFit(
          store: connection.path, column: "\(table).\(columns[index].name)", reason: "\(misfit) is too large")
      }
    }
    try makePartitions(for: batch)
    let copy = try openCopy()
    for row in 0..<batch.count {
      try copy.row { buffer in
        for (index, values) in batch.columns.enumerated() {
          if values.isNull(row) {
            buffer.putNull()
          } else {
            types[index].put(values.storage, row, into: &buffer)
          }
        }
        if let decisionTime, case .words(let words) = batch.columns[decisionTime].storage {
          buffer.put(field: Timestamp(microseconds: words[row]).adding(minutes: -1))
        }
      }
    }
  }

  func finish() throws {
    try copy?.finish()
    copy = nil
  }

  private func openCopy() throws(StoreError) -> PostgresCopy {
    if let copy { return copy }
    let names = columns.map(\.name.inDoubleQuotes) + (decisionTime == nil ? [] : ["open_time"])
    let opened = try PostgresCopy(
      connection, into: "\(table.inDoubleQuotes) (\(names.joined(separator: ", ")))", columns: names.count)
    copy = opened
    return opened
  }

  private func makePartitions(for batch: TableBatch) throws {
    guard let (table, column) = partitioning, case .words(let words) = batch.columns[column].storage else { return }
    let times = words.sorted().map {
      table.countsMilliseconds ? Timestamp(milliseconds: $0) : Timestamp(microseconds: $0)
    }
    try partitions.ensure(table, for: times) { try finish() }
  }
}
