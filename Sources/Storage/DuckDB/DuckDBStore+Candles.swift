package import Market

extension DuckDBStore: CandleStore {
  package func status() throws -> [SeriesSummary] {
    try tables.entries("ORDER BY venue, symbol").compactMap(\.summary)
  }

  package func summary(of series: Series) throws -> SeriesSummary? { try entry(of: series)?.summary }

  package func readCandles(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([CandleRecord]) throws -> Void
  ) throws {
    guard let entry = try entry(of: series), var cursor = try cursor(over: entry, in: range, asOf: asOf) else { return }
    while let window = try cursor.nextWindow() { try body(window.records) }
  }

  package func revisions(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp
  ) throws -> [CandleRevision] {
    guard let entry = try entry(of: series) else { return [] }
    let statement = try session.prepare(
      """
      SELECT \(CandleColumns.selection) FROM candle_versions
      SEMI JOIN (SELECT open_time AS revised FROM candle_versions WHERE series = ?1 AND revision > 0 AND known_at <= ?4)
        ON revised = open_time
      WHERE series = ?1 AND open_time >= ?2 AND open_time < ?3 AND known_at <= ?4
      ORDER BY open_time, revision
      """)
    let result = try statement.execute([
      .integer(Int64(entry.id)), .instant(range.lowerBound), .instant(range.upperBound), .instant(asOf),
    ])
    var revisions: [CandleRevision] = []
    try result.forEachChunk { chunk throws(StoreError) in
      let candles = CandleChunk(chunk)
      revisions += (0..<candles.count).map {
        CandleRevision(record: candles.record($0), revision: Int(candles.revision($0)))
      }
    }
    return revisions
  }

  package func exportCandles(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, to path: String
  ) throws -> Int {
    let table = try TableFile(path)
    guard let entry = try entry(of: series) else {
      throw StoreError.unreadable(path: self.path, reason: "no \(series)")
    }
    let sql = """
      SELECT epoch_ms(open_time) AS open_time_ms, open, high, low, close, volume, quote_volume, trades, taker_buy_base,
        taker_buy_quote
      FROM candle_versions c
      LEFT JOIN (SELECT open_time AS revised, max(revision) AS newest FROM candle_versions
        WHERE series = ?1 AND revision > 0 AND known_at <= ?4 GROUP BY open_time) ON revised = open_time
      WHERE series = ?1 AND open_time >= ?2 AND open_time < ?3 AND known_at <= ?4 AND revision = coalesce(newest, 0)
      ORDER BY open_time
      """
    return try table.write(
      sql,
      [.integer(Int64(entry.id)), .instant(range.lowerBound), .instant(range.upperBound), .instant(asOf)],
      from: session)
  }

  // MARK: Writing

  package func write(
    to series: Series, stamp: WriteStamp, next: () throws -> [Candle]?
  ) throws -> WriteCounts {
    memory = LiveMemory()
    return try session.transaction {
      try writeDownTails()
      let entry = try entry(of: series) ?? makeEntry(for: series)
      var change = SeriesChange(entry)
      var stored = StoredVersions(try cursor(over: entry, in: .all, asOf: .distantFuture))
      let appender = try ChunkAppender(session, table: "candle_versions", CandleColumns.tableTypes)
      var previous = Timestamp.distantPast
      while let candles = try next() {
        for candle in candles {
          precondition(candle.openTime > previous, "candles are written in rising order")
          previous = candle.openTime
          let old = try stored.newest(at: candle.openTime)
          if let old, old.candle.covers(candle) {
            change.counts.unchanged += 1
            continue
          }
          let revision = old.map { $0.revision + 1 } ?? 0
          try CandleColumns.append(
            stamp.record(candle, isRevision: revision > 0), series: entry.id, revision: revision, to: appender)
          change.note(candle.openTime, isRevision: revision > 0)
        }
      }
      try appender.finish()
      try save(change)
      return change.counts
    }
  }

  func makeEntry(for series: Series) throws -> SeriesEntry {
    try session.run(
      """
      INSERT INTO series SELECT coalesce(max(id), 0) + 1, ?, ?, 0, 'epoch'::TIMESTAMPTZ, 'epoch'::TIMESTAMPTZ, 0
      FROM series
      """, [.text(series.venue.name), .text(series.symbol.name)])
    guard let entry = try entry(of: series) else { throw StoreError.failed(path: path, reason: "no row for \(series)") }
    return entry
  }

  private func save(_ change: SeriesChange) throws {
    guard let first = change.first, let last = change.last else { return }
    try session.run(
      """
      UPDATE series SET row_count = row_count + ?, revisions = revisions + ?, first_open = ?, last_open = ?
      WHERE id = ?
      """,
      [
        .integer(Int64(change.counts.new)), .integer(Int64(change.counts.revised)), .instant(first), .instant(last),
        .integer(Int64(change.id)),
      ])
  }

  // MARK: Series

  private func cursor(
    over entry: SeriesEntry, in range: Range<Timestamp>, asOf: Timestamp
  ) throws(StoreError) -> DuckDBVersionCursor? {
    guard let stored = entry.clamped(range) else { return nil }
    return try DuckDBVersionCursor(session, series: entry.id, range: stored, asOf: asOf)
  }

  func entry(of series: Series) throws(StoreError) -> SeriesEntry? {
    try tables.entries("WHERE venue = ? AND symbol = ?", [.text(series.venue.name), .text(series.symbol.name)]).first
  }
}

/// What one transaction does to a series.
private struct SeriesChange {
  let id: Int32
  var counts = WriteCounts()
  private(set) var first: Timestamp?
  private(set) var last: Timestamp?

  init(_ entry: SeriesEntry) {
    id = entry.id
    (first, last) = (entry.summary?.firstOpenTime, entry.summary?.lastOpenTime)
  }

  mutating func note(_ openTime: Timestamp, isRevision: Bool) {
    if isRevision { counts.revised += 1 } else { counts.new += 1 }
    first = min(first ?? openTime, openTime)
    last = max(last ?? openTime, openTime)
  }
}
