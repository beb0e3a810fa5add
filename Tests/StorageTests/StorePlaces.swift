import TestSupport

@testable import Storage

/// The stores that keep the same promises.
enum StoreKind: CaseIterable, Sendable { case duckDB, postgres }

/// Where the stores of one test are, for as long as the test runs.
final class StorePlaces {
  private var folder: TemporaryFolder?
  private var schema: String?
  private var database: PostgresDatabase?

  /// Opens the test's store of a kind, the same one each time.
  func open(_ kind: StoreKind, _ access: StoreLocation.Access = .create) throws -> any Store {
    switch kind {
    case .duckDB: try DuckDBStore(path: filePath(), mode: access)
    case .postgres: try PostgresStore(PostgresLocation(schemaAddress()), mode: access)
    }
  }

  private func schemaAddress() throws -> String {
    if let schema { return schema }
    let made = try PostgresServer.shared().makeSchema()
    schema = made
    return made
  }

  /// Opens the test's store in a database of its own.
  func openPostgres(
    _ access: StoreLocation.Access = .create, limits: PostgresLimits = PostgresLimits()
  ) throws -> PostgresStore {
    try PostgresStore(PostgresLocation(postgres().address), mode: access, limits: limits)
  }

  func postgres() throws -> PostgresDatabase {
    if let database { return database }
    let made = try PostgresServer.shared().makeDatabase()
    database = made
    return made
  }

  private func filePath() throws -> String {
    if let folder { return folder.file("deep/in/store.duckdb") }
    let made = try TemporaryFolder()
    folder = made
    return made.file("deep/in/store.duckdb")
  }
}

extension Store {
  /// A statement that both kinds understand.
  func execute(_ sql: String) throws {
    switch self {
    case let store as DuckDBStore: try store.session.run(sql)
    case let store as PostgresStore: try store.pool.withConnection { try $0.script(sql) }
    default: preconditionFailure("a store of an unknown kind")
    }
  }

  /// The whole number in the first column of the first row.
  func number(_ sql: String) throws -> Int64? {
    switch self {
    case let store as DuckDBStore: try store.session.query(sql).number()
    case let store as PostgresStore: try store.pool.withConnection { try $0.query(sql).optionalInteger(0, 0) }
    default: preconditionFailure("a store of an unknown kind")
    }
  }
}
