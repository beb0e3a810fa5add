import Market

/// The tables `series` and `gap_ledger`, read together with the candles that follow what they say.
///
/// To change a row costs more than to store a candle. So a candle that follows all others of its series is stored alone:
/// a row of `series` counts the candles up to its `last_open`; later ones are its tail, which counts by itself, and a
/// live run of the ledger that reaches as far as the row does grows with them. Every connection reads both, so nothing
/// is lost with a process that is killed. Whoever changes either table in another way writes the tail down first.
struct SeriesTables {
  private let session: DuckDBSession
  private let statements: PreparedStatements

  init(_ session: DuckDBSession, _ statements: PreparedStatements) {
    (self.session, self.statements) = (session, statements)
  }

  // MARK: Summaries

  /// - Parameter clause: conditions and order.
  func entries(_ clause: String = "", _ values: [SQLValue] = []) throws(StoreError) -> [SeriesEntry] {
    try written(clause, values).map { entry throws(StoreError) in try completed(entry) }
  }

  /// As their rows have them.
  private func written(_ clause: String = "", _ values: [SQLValue] = []) throws(StoreError) -> [SeriesEntry] {
    var entries: [SeriesEntry] = []
    let sql = "SELECT id, venue, symbol, row_count, first_open, last_open, revisions FROM series " + clause
    try statements.query(sql, values).forEachRow { chunk, row throws(StoreError) in
      guard let venue = Venue(chunk.column(1).text(row)), let symbol = Symbol(chunk.column(2).text(row)) else {
        throw .corrupt(path: session.path, reason: "a series has no proper name")
      }
      let rows: Int64 = chunk.column(3).value(row)
      let summary = SeriesSummary(
        series: Series(venue, symbol), rows: Int(rows), firstOpenTime: chunk.column(4).time(row),
        lastOpenTime: chunk.column(5).time(row), revisions: Int(chunk.column(6).value(row, as: Int64.self)))
      entries.append(SeriesEntry(id: chunk.column(0).value(row), summary: rows > 0 ? summary : nil))
    }
    return entries
  }

  private func completed(_ entry: SeriesEntry) throws(StoreError) -> SeriesEntry {
    guard let written = entry.summary else { return entry }
    var completed = entry
    try session.planned { () throws(StoreError) in
      try statements.query(
        """
        SELECT count(*) FILTER (revision = 0), count(*) FILTER (revision > 0), max(open_time) FROM candle_versions
        WHERE series = ? AND open_time > ?
        """, [.integer(Int64(entry.id)), .instant(written.lastOpenTime)])
    }.forEachRow { chunk, row throws(StoreError) in
      guard let last = chunk.column(2).optionalTime(row) else { return }
      completed.summary = SeriesSummary(
        series: written.series, rows: written.rows + Int(chunk.column(0).value(row, as: Int64.self)),
        firstOpenTime: written.firstOpenTime, lastOpenTime: last,
        revisions: written.revisions + Int(chunk.column(1).value(row, as: Int64.self)))
    }
    return completed
  }

  // MARK: Ledgers

  func ledger(_ series: Series, _ kind: LedgerKind) throws(StoreError) -> StoredLedger {
    // Runs and row are of one moment; candles that come later only make the tail longer.
    let result = try statements.query(
      """
      SELECT range_from, range_to, state, detail, since, id, last_open FROM gap_ledger g
      LEFT JOIN series s ON s.venue = g.venue AND s.symbol = g.symbol AND s.row_count > 0
      WHERE g.venue = ? AND g.symbol = ? AND kind = ? ORDER BY range_from
      """, [.text(series.venue.name), .text(series.symbol.name), .text(kind.rawValue)])
    var runs: [LedgerMap.Run] = []
    var end: (id: Int32, time: Timestamp)?
    try result.forEachRow { chunk, row throws(StoreError) in
      let from: Int64 = chunk.column(0).value(row)
      let to: Int64 = chunk.column(1).value(row)
      guard from < to, from >= runs.last?.range.upperBound ?? .min,
        let state = LedgerState(name: chunk.column(2).text(row), detail: chunk.column(3).optionalText(row))
      else {
        throw .corrupt(path: session.path, reason: "the ledger of \(series) has no proper row at \(kind) \(from)")
      }
      runs.append(LedgerMap.Run(from..<to, state, since: chunk.column(4).time(row)))
      guard let id: Int32 = chunk.column(5).optional(row), let time = chunk.column(6).optionalTime(row) else { return }
      end = (id, time)
    }
    let written = LedgerMap(runs)
    guard kind == .minutes, let end, written.grows(after: end.time.minute) else { return StoredLedger(written) }
    let tail = try candles(of: end.id, after: end.time)
    return StoredLedger(written, written.grown(after: end.time.minute, by: tail))
  }

  /// First versions alone, in rising order.
  private func candles(of id: Int32, after time: Timestamp) throws(StoreError) -> [FollowingCandle] {
    var candles: [FollowingCandle] = []
    try session.planned { () throws(StoreError) in
      try statements.query(
        """
        SELECT open_time, provenance FROM candle_versions WHERE series = ? AND open_time > ? AND revision = 0
        ORDER BY open_time
        """, [.integer(Int64(id)), .instant(time)])
    }.forEachRow { chunk, row throws(StoreError) in
      let isLive = chunk.column(1).value(row, as: UInt8.self) == Provenance.live.rawValue
      candles.append(FollowingCandle(minute: chunk.column(0).time(row).minute, isLive: isLive))
    }
    return candles
  }

  // MARK: Writing

  /// Series that have a tail, as they are with it.
  func unwritten() throws(StoreError) -> [SeriesEntry] {
    var unwritten: [SeriesEntry] = []
    for written in try written() {
      let entry = try completed(written)
      if entry.summary != written.summary { unwritten.append(entry) }
    }
    return unwritten
  }

  /// Writes tails down; together with what follows from them, or not at all.
  func writeDown(_ entries: [SeriesEntry]) throws(StoreError) {
    for entry in entries {
      guard let summary = entry.summary else { continue }
      let ledger = try ledger(summary.series, .minutes)
      try write(ledger.difference, of: LiveMemory.LedgerKey(series: summary.series, kind: .minutes))
      try write(summary, of: entry.id)
    }
  }

  func write(_ summary: SeriesSummary, of id: Int32) throws(StoreError) {
    try statements.run(
      "UPDATE series SET row_count = ?, revisions = ?, first_open = ?, last_open = ? WHERE id = ?",
      [
        .integer(Int64(summary.rows)), .integer(Int64(summary.revisions)), .instant(summary.firstOpenTime),
        .instant(summary.lastOpenTime), .integer(Int64(id)),
      ])
  }

  func write(_ difference: LedgerDifference, of key: LiveMemory.LedgerKey) throws(StoreError) {
    let identity: [SQLValue] = [
      .text(key.series.venue.name), .text(key.series.symbol.name), .text(key.kind.rawValue),
    ]
    for start in difference.removed {
      try statements.run(
        "DELETE FROM gap_ledger WHERE venue = ? AND symbol = ? AND kind = ? AND range_from = ?",
        identity + [.integer(start)])
    }
    for run in difference.changed {
      try statements.run(
        """
        UPDATE gap_ledger SET range_to = ?, state = ?, detail = ?, since = ?
        WHERE venue = ? AND symbol = ? AND kind = ? AND range_from = ?
        """,
        [
          .integer(run.range.upperBound), .text(run.state.name), .optionalText(run.state.detail), .instant(run.since),
        ] + identity + [.integer(run.range.lowerBound)])
    }
    guard !difference.added.isEmpty else { return }
    let appender = try ChunkAppender(
      session, table: "gap_ledger", [.text, .text, .text, .bigint, .bigint, .text, .text, .instant])
    for run in difference.added {
      appender.set(0, text: key.series.venue.name)
      appender.set(1, text: key.series.symbol.name)
      appender.set(2, text: key.kind.rawValue)
      appender.set(3, run.range.lowerBound)
      appender.set(4, run.range.upperBound)
      appender.set(5, text: run.state.name)
      appender.set(6, optionalText: run.state.detail)
      appender.set(7, run.since)
      try appender.endRow()
    }
    try appender.finish()
  }
}
