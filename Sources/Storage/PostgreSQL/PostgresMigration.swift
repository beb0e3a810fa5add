package import Market

/// Carries the tables of a database to this version's, step by step and each step whole.
package struct PostgresMigration {
  package struct Applied: Hashable, Sendable, TakenStep {
    package let version: Int
    package let name: String
    package let checksum: String
    package let appliedAt: Timestamp
  }

  package enum State: Hashable, Sendable {
    case empty
    /// Steps that are done, and how many are to come.
    case tables(applied: [Applied], pending: Int)
  }

  private let connection: PostgresConnection
  private let steps: [PostgresSchema.Step]
  /// Of hypertables, where there are any.
  private let chunkDays: Int

  package init(
    _ connection: PostgresConnection, steps: [PostgresSchema.Step] = PostgresSchema.steps,
    chunkDays: Int = PostgresLimits().chunkDays
  ) {
    (self.connection, self.steps, self.chunkDays) = (connection, steps, chunkDays)
  }

  /// Looks without changing anything; refuses tables that are not ours.
  package func state() throws(StoreError) -> State {
    guard try hasJournal() else {
      guard try strangers() == 0 else { throw .foreign(path: connection.path) }
      return .empty
    }
    let applied = try applied()
    guard applied.count <= steps.count else {
      throw .newerSchema(path: connection.path, reason: "schema \(applied.count), known up to \(steps.count)")
    }
    if let reason = SchemaSteps.difference(applied, from: steps) {
      throw .alteredSchema(path: connection.path, reason: reason)
    }
    return .tables(applied: applied, pending: steps.count - applied.count)
  }

  /// Takes the steps that are to come, one process at a time.
  ///
  /// - Returns: what was there before.
  @discardableResult
  package func run() throws -> State {
    try connection.script("SELECT pg_advisory_lock(\(Self.lock))")
    // The lock goes with the connection where this cannot be said any more.
    defer { try? connection.script("SELECT pg_advisory_unlock(\(Self.lock))") }
    let before = try state()
    let done = if case .tables(let applied, _) = before { applied.count } else { 0 }
    if before == .empty { try makeJournal() }
    for (index, step) in steps.enumerated().dropFirst(done) { try take(step, version: index + 1) }
    return before
  }

  /// Of advisory locks; the second numbers tell what is locked.
  static let lock = "\(lockSpace), 1"
  static let lockSpace = 0x6361_6E64

  private func take(_ step: PostgresSchema.Step, version: Int) throws {
    try connection.transaction {
      try connection.script("SET LOCAL statement_timeout = 0")
      for statement in try adapted(step.statements) { try connection.script(statement) }
      try connection.run(
        "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
        [.integer(Int64(version)), .text(step.name), .text(step.checksum)])
    }
  }

  /// As this database takes them.
  private func adapted(_ statements: [String]) throws(StoreError) -> [String] {
    guard try PostgresTimescale.version(connection) != nil else { return statements }
    return statements.flatMap { PostgresTimescale.statements($0, chunkDays: chunkDays) }
  }

  private func makeJournal() throws(StoreError) {
    try connection.script(
      """
      CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT now())
      """)
  }

  private func hasJournal() throws(StoreError) -> Bool {
    let rows = try connection.query(
      """
      SELECT attname::text FROM pg_attribute
      WHERE attrelid = to_regclass('schema_migrations') AND attnum > 0 AND NOT attisdropped
      """)
    guard rows.count > 0 else { return false }
    var names: Set<String> = []
    for row in 0..<rows.count { names.insert(try rows.text(row, 0)) }
    guard names == ["version", "name", "checksum", "applied_at"] else { throw .foreign(path: connection.path) }
    return true
  }

  private func applied() throws(StoreError) -> [Applied] {
    let rows = try connection.query(
      "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version")
    return try (0..<rows.count).map { row throws(StoreError) in
      Applied(
        version: Int(try rows.integer(row, 0)), name: try rows.text(row, 1), checksum: try rows.text(row, 2),
        appliedAt: try rows.time(row, 3))
    }
  }

  private func strangers() throws(StoreError) -> Int64 {
    let names = PostgresSchema.names.map { "'\($0)'" }.joined(separator: ", ")
    return try connection.query("SELECT count(to_regclass(name)) FROM unnest(ARRAY[\(names)]) AS name").integer(0, 0)
  }
}

extension PostgresSchema.Step: SchemaStep {
  package var checksum: String {
    var print = Fingerprint()
    print.combine(name)
    for statement in statements { print.combine(statement) }
    return print.description
  }
}
