package import Market

extension PostgresStore: CandleStore {
  package func status() throws -> [SeriesSummary] {
    try pool.withConnection { try entries($0, "ORDER BY venue COLLATE \"C\", symbol COLLATE \"C\"") }
      .compactMap(\.entry.summary)
  }

  package func summary(of series: Series) throws -> SeriesSummary? { try entry(of: series)?.summary }

  package func readCandles(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([CandleRecord]) throws -> Void
  ) throws {
    guard let entry = try entry(of: series), let stored = entry.clamped(range) else { return }
    var cursor = PostgresVersionCursor(series: entry.id, range: stored, asOf: asOf) { [pool] in
      try pool.withConnection($0)
    }
    while let window = try cursor.nextWindow() { try body(window.records) }
  }

  package func revisions(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp
  ) throws -> [CandleRevision] {
    guard let entry = try entry(of: series), let stored = entry.clamped(range) else { return [] }
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT \(CandleColumns.selection) FROM candle_versions
        WHERE series = $1 AND open_time >= $2 AND open_time < $3 AND known_at <= $4 AND open_time IN (
          SELECT open_time FROM candle_versions
          WHERE series = $1 AND open_time >= $2 AND open_time < $3 AND known_at <= $4 AND revision > 0)
        ORDER BY open_time, revision
        """,
        [.integer(Int64(entry.id)), .instant(stored.lowerBound), .instant(stored.upperBound), .instant(asOf)])
    }
    return try (0..<rows.count).map { row in
      CandleRevision(
        record: try PostgresCandleColumns.record(rows, row),
        revision: Int(try PostgresCandleColumns.revision(rows, row)))
    }
  }

  package func exportCandles(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, to path: String
  ) throws -> Int {
    let file = try TableFile(path)
    guard try entry(of: series) != nil else { throw StoreError.unreadable(path: name, reason: "no \(series)") }
    let session = try DuckDBSession(file: nil, name: path)
    try session.run("SET temp_directory = '\((path + ".spill").replacing("'", with: "''"))'")
    let amounts = ["open", "high", "low", "close", "volume", "quote_volume"].map { "\($0) DECIMAL(20,8)" }
    try session.run(
      """
      CREATE TABLE rows (open_time_ms BIGINT, \(amounts.joined(separator: ", ")), trades BIGINT,
        taker_buy_base DECIMAL(20,8), taker_buy_quote DECIMAL(20,8))
      """)
    let appender = try ChunkAppender(
      session, table: "rows",
      [.bigint] + Array(repeating: .decimal, count: 6) + [.bigint, .decimal, .decimal])
    try readCandles(series, in: range, asOf: asOf) { batch in
      for record in batch { try Self.append(record.candle, to: appender) }
    }
    try appender.finish()
    return try file.write("SELECT * FROM rows", [], from: session)
  }

  private static func append(_ candle: Candle, to appender: ChunkAppender) throws(StoreError) {
    appender.set(0, candle.openTime.milliseconds)
    for (index, price) in [candle.open, candle.high, candle.low, candle.close].enumerated() {
      appender.set(index + 1, price.units)
    }
    appender.set(5, candle.volume)
    appender.set(6, candle.quoteVolume)
    appender.set(7, optional: candle.trades)
    appender.set(8, candle.takerBuyBase)
    appender.set(9, candle.takerBuyQuote)
    try appender.endRow()
  }

  // MARK: Series

  func entry(of series: Series) throws -> SeriesEntry? {
    try pool.withConnection { try entry($0, of: series)?.entry }
  }

  func entry(_ connection: PostgresConnection, of series: Series, locking: Bool = false) throws(StoreError)
    -> PostgresEntry?
  {
    try entries(
      connection, "WHERE venue = $1 AND symbol = $2" + (locking ? " FOR UPDATE" : ""),
      [.text(series.venue.name), .text(series.symbol.name)]
    ).first
  }

  /// The row of a series, made if it is not there.
  func madeEntry(_ connection: PostgresConnection, of series: Series, locking: Bool = false) throws(StoreError)
    -> PostgresEntry
  {
    if let known = try entry(connection, of: series, locking: locking) { return known }
    try connection.run(
      "INSERT INTO series (venue, symbol) VALUES ($1, $2) ON CONFLICT DO NOTHING",
      [.text(series.venue.name), .text(series.symbol.name)])
    guard let made = try entry(connection, of: series, locking: locking) else {
      throw .failed(path: name, reason: "no row for \(series)")
    }
    return made
  }

  private func entries(
    _ connection: PostgresConnection, _ clause: String, _ values: [PostgresValue] = []
  ) throws(StoreError) -> [PostgresEntry] {
    let rows = try connection.query(
      "SELECT id, venue, symbol, row_count, first_open, last_open, revisions, writes FROM series " + clause, values)
    return try (0..<rows.count).map { row throws(StoreError) in
      guard let venue = Venue(try rows.text(row, 1)), let symbol = Symbol(try rows.text(row, 2)),
        let id = Int32(exactly: try rows.integer(row, 0))
      else { throw .corrupt(path: name, reason: "a series has no proper name") }
      let count = try rows.integer(row, 3)
      let summary = SeriesSummary(
        series: Series(venue, symbol), rows: Int(count), firstOpenTime: try rows.time(row, 4),
        lastOpenTime: try rows.time(row, 5), revisions: Int(try rows.integer(row, 6)))
      return PostgresEntry(
        entry: SeriesEntry(id: id, summary: count > 0 ? summary : nil), writes: try rows.integer(row, 7))
    }
  }
}

/// A series with the number of the transactions that have changed it.
struct PostgresEntry {
  let entry: SeriesEntry
  let writes: Int64
}
