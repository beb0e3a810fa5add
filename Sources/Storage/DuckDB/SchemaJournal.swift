/// Which steps have made the tables of a file, each with the checksum of what it did.
///
/// A file that an older version made has none until it is opened for writing.
enum SchemaJournal {
  static let table = "schema_migrations"

  private struct Applied: TakenStep {
    let version: Int
    let name: String
    let checksum: String
  }

  /// How many steps are noted; refuses a file that was made by other ones.
  static func check(_ session: DuckDBSession, version: Int) throws(StoreError) -> Int {
    guard try isThere(session) else { return 0 }
    var applied: [Applied] = []
    let rows = try session.query("SELECT version::BIGINT, name, checksum FROM \(table) ORDER BY version")
    try rows.forEachRow { chunk, row in
      applied.append(
        Applied(
          version: Int(chunk.column(0).value(row, as: Int64.self)), name: chunk.column(1).text(row),
          checksum: chunk.column(2).text(row)))
    }
    if let reason = SchemaSteps.difference(applied, from: StoreSchema.steps) {
      throw .alteredSchema(path: session.path, reason: reason)
    }
    guard applied.count == version else {
      throw .alteredSchema(
        path: session.path, reason: "\(table) has \(applied.count) steps, and store_meta says \(version)")
    }
    return applied.count
  }

  /// - Parameter isNow: the steps are being taken; when others were taken is not known.
  static func note(
    _ steps: ArraySlice<StoreSchema.Step>, isNow: Bool, in session: DuckDBSession
  ) throws(StoreError) {
    guard !steps.isEmpty else { return }
    try session.run(
      """
      CREATE TABLE IF NOT EXISTS \(table) (version INTEGER NOT NULL, name VARCHAR NOT NULL, checksum VARCHAR NOT NULL,
        applied_at TIMESTAMPTZ)
      """)
    for (index, step) in zip(steps.indices, steps) {
      try session.run(
        "INSERT INTO \(table) VALUES (\(index + 1), ?, ?, \(isNow ? "now()" : "NULL"))",
        [.text(step.name), .text(step.checksum)])
    }
  }

  private static func isThere(_ session: DuckDBSession) throws(StoreError) -> Bool {
    var names: Set<String> = []
    let sql = "SELECT column_name FROM duckdb_columns() WHERE table_name = '\(table)' AND NOT internal"
    try session.query(sql).forEachRow { chunk, row in names.insert(chunk.column(0).text(row)) }
    guard !names.isEmpty else { return false }
    guard names == ["version", "name", "checksum", "applied_at"] else { throw .foreign(path: session.path) }
    return true
  }
}
