import Market

/// Rows for `candle_versions`, which go into the table together.
struct CandleRows {
  /// An appender plans a statement each time it is emptied, a kept `INSERT` only once; from about so many rows on, the
  /// values that it is given one by one cost more than the plan.
  private static let mostInserted = 16

  private struct Row {
    let record: CandleRecord
    let series: Int32
    let revision: Int32
  }

  private var rows: [Row] = []

  mutating func append(_ record: CandleRecord, series: Int32, revision: Int32) {
    rows.append(Row(record: record, series: series, revision: revision))
  }

  func write(to session: DuckDBSession, _ statements: PreparedStatements) throws(StoreError) {
    guard let first = rows.first else { return }
    let shape = CandleColumns.placeholders(first.record.candle)
    let isUniform = rows.allSatisfy { CandleColumns.placeholders($0.record.candle) == shape }
    guard rows.count <= Self.mostInserted, isUniform else { return try append(to: session) }
    let tuples = Array(repeating: shape, count: rows.count).joined(separator: ", ")
    try statements.run(
      "INSERT INTO candle_versions VALUES " + tuples,
      rows.flatMap { CandleColumns.values($0.record, series: $0.series, revision: $0.revision) })
  }

  private func append(to session: DuckDBSession) throws(StoreError) {
    let appender = try ChunkAppender(session, table: "candle_versions", CandleColumns.tableTypes)
    for row in rows {
      try CandleColumns.append(row.record, series: row.series, revision: row.revision, to: appender)
    }
    try appender.finish()
  }
}
