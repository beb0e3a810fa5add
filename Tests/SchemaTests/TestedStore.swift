import FoundationEssentials
import Market
import TestSupport

@testable import Storage

/// A fresh store of one kind, asked in SQL beside its protocols.
final class TestedStore {
  enum Kind: CaseIterable, Sendable {
    case duckDB, postgres
    /// PostgreSQL with the extension TimescaleDB.
    case timescale
  }

  /// Those that can be tested here.
  static let kinds = Kind.allCases.filter { $0 != .timescale || hasTimescale }
  static let hasTimescale = FileManager.default.fileExists(atPath: "/usr/lib/postgresql/15/lib/timescaledb.so")

  private static let timescaleServer = Result {
    try PostgresServer(settings: [
      "shared_preload_libraries = 'timescaledb'", "timescaledb.telemetry_level = off", "max_worker_processes = 32",
    ])
  }

  let kind: Kind
  let folder: TemporaryFolder
  let database: PostgresDatabase?
  let store: any Store

  init(_ kind: Kind) throws {
    self.kind = kind
    folder = try TemporaryFolder()
    switch kind {
    case .duckDB:
      database = nil
      store = try DuckDBStore(path: folder.file("store.duckdb"))
    case .postgres:
      let made = try PostgresServer.shared().makeDatabase()
      database = made
      store = try PostgresStore(PostgresLocation(made.address))
    case .timescale:
      let made = try Self.timescaleServer.get().makeDatabase()
      try made.run("CREATE EXTENSION timescaledb")
      database = made
      store = try PostgresStore(PostgresLocation(made.address))
    }
  }

  func run(_ sql: String) throws {
    switch store {
    case let store as DuckDBStore: try store.session.run(sql)
    case let store as PostgresStore: try store.pool.withConnection { try $0.script(sql) }
    default: preconditionFailure("a store of an unknown kind")
    }
  }

  /// Each row as texts in the order of the columns, empty for null.
  func rows(_ sql: String) throws -> [[String]] {
    switch store {
    case let store as DuckDBStore: try Self.rows(sql, store)
    case let store as PostgresStore: try Self.rows(sql, store)
    default: preconditionFailure("a store of an unknown kind")
    }
  }

  func number(_ sql: String) throws -> Int { try Int(rows(sql).first?.first ?? "") ?? -1 }

  private static func rows(_ sql: String, _ store: DuckDBStore) throws -> [[String]] {
    let texts = """
      SELECT concat_ws(chr(31), *COLUMNS(*)) FROM (SELECT coalesce(COLUMNS(*)::VARCHAR, '') FROM (\(sql)
      ) printed) texts
      """
    var rows: [[String]] = []
    try store.session.query(texts).forEachRow { chunk, row throws(StoreError) in
      rows.append(fields(chunk.column(0).text(row)))
    }
    return rows
  }

  private static func rows(_ sql: String, _ store: PostgresStore) throws -> [[String]] {
    let texts = """
      SELECT (SELECT string_agg(coalesce(value, ''), chr(31) ORDER BY place)
        FROM json_each_text(row_to_json(printed)) WITH ORDINALITY fields(name, value, place))
      FROM (\(sql)
      ) printed
      """
    return try store.pool.withConnection { connection in
      let rows = try connection.query(texts)
      return try (0..<rows.count).map { try fields(rows.text($0, 0)) }
    }
  }

  private static func fields(_ text: String) -> [String] {
    text.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
  }

  /// `name type` of each column, as the database writes types.
  func columns(of table: String) throws -> [String] {
    let sql =
      kind == .duckDB
      ? """
      SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '\(table)' ORDER BY ordinal_position
      """
      : """
      SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
      WHERE attrelid = '"\(table)"'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
      """
    return try rows(sql).map { $0.joined(separator: " ") }
  }
}
