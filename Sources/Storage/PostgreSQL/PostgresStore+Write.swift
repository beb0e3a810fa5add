package import Market

extension PostgresStore {
  package func write(
    to series: Series, stamp: WriteStamp, next: () throws -> [Candle]?
  ) throws -> WriteCounts {
    memory = PostgresMemory()
    return try pool.withConnection { connection in
      do {
        return try connection.transaction {
          // The row stays locked until the end: nobody else writes to this series meanwhile.
          let entry = try madeEntry(connection, of: series, locking: true).entry
          let writer = PostgresCandleWriter(self, connection, entry, stamp)
          while let candles = try next() { try writer.add(candles) }
          return try writer.finish()
        }
      } catch {
        partitions.forget()
        throw error
      }
    }
  }
}

/// Writes candles of one series in rising order: straight into the table where it has none of these minutes, by way of
/// a table of their own where it may have some.
final class PostgresCandleWriter {
  private enum Way {
    case direct(Range<Timestamp>)
    case staged
  }

  /// Rows that are compared with the stored ones by one statement.
  private static let stagedRows = 1 << 17

  private let store: PostgresStore
  private let connection: PostgresConnection
  private let entry: SeriesEntry
  private let stamp: WriteStamp
  private var counts = WriteCounts()
  private var first = Timestamp.distantFuture
  private var last = Timestamp.distantPast
  private var previous = Timestamp.distantPast
  /// Stored minutes that the candles may meet; `nil` before the first candle, empty without any.
  private var occupied: Range<Timestamp>?
  private var copy: (way: Way, rows: PostgresCopy)?
  private var staged = 0
  private var stagedSpan = Timestamp.distantFuture...Timestamp.distantFuture
  private var hasStaging = false

  init(_ store: PostgresStore, _ connection: PostgresConnection, _ entry: SeriesEntry, _ stamp: WriteStamp) {
    (self.store, self.connection, self.entry, self.stamp) = (store, connection, entry, stamp)
  }

  func add(_ candles: [Candle]) throws {
    guard let opening = candles.first?.openTime else { return }
    if occupied == nil { occupied = try findOccupied(from: opening) }
    try store.partitions.ensure(.candles, for: candles.lazy.map(\.openTime)) { try endCopy() }
    for candle in candles {
      precondition(candle.openTime > previous, "candles are written in rising order")
      previous = candle.openTime
      if occupied?.contains(candle.openTime) == true { try stage(candle) } else { try addDirectly(candle) }
    }
  }

  func finish() throws -> WriteCounts {
    try endCopy()
    try mergeStaged()
    if counts.new + counts.revised > 0 {
      try connection.run(
        """
        UPDATE series SET row_count = row_count + $2, revisions = revisions + $3, first_open = least(first_open, $4),
          last_open = greatest(last_open, $5), writes = writes + 1
        WHERE id = $1
        """,
        [
          .integer(Int64(entry.id)), .integer(Int64(counts.new)), .integer(Int64(counts.revised)), .instant(first),
          .instant(last),
        ])
    }
    return counts
  }

  private func findOccupied(from time: Timestamp) throws(StoreError) -> Range<Timestamp> {
    guard let summary = entry.summary, summary.lastOpenTime >= time,
      let start = try store.firstStored(connection, of: entry.id, from: time)
    else { return Timestamp.distantFuture..<Timestamp.distantFuture }
    return start..<max(start, summary.lastOpenTime.adding(minutes: 1))
  }

  // MARK: Straight

  private func addDirectly(_ candle: Candle) throws(StoreError) {
    let copy = try direct(candle.openTime)
    let record = stamp.record(candle, isRevision: false)
    try copy.row { PostgresCandleColumns.put(record, series: entry.id, into: &$0) }
    counts.new += 1
    note(candle.openTime...candle.openTime)
  }

  private func note(_ span: ClosedRange<Timestamp>) {
    first = min(first, span.lowerBound)
    last = max(last, span.upperBound)
  }

  // MARK: By way of a table

  private func stage(_ candle: Candle) throws(StoreError) {
    if staged >= Self.stagedRows {
      try endCopy()
      try mergeStaged()
    }
    let copy = try staging()
    let record = stamp.record(candle, isRevision: false)
    try copy.row { buffer in
      buffer.put(field: candle.openTime)
      PostgresCandleColumns.putValues(candle, into: &buffer)
      buffer.put(field: record.availableAt)
    }
    stagedSpan = staged == 0 ? candle.openTime...candle.openTime : stagedSpan.lowerBound...candle.openTime
    staged += 1
  }

  private func makeStaging() throws(StoreError) {
    guard !hasStaging else { return }
    hasStaging = true
    try connection.script(
      """
      CREATE TEMPORARY TABLE arriving_candles ON COMMIT DROP AS
        SELECT open_time, open, high, low, close, volume, quote_volume, trades, taker_buy_base, taker_buy_quote,
          available_at
        FROM candle_versions WITH NO DATA;
      SET LOCAL work_mem = '64MB';
      SET LOCAL enable_nestloop = off
      """)
  }

  private func mergeStaged() throws(StoreError) {
    guard staged > 0 else { return }
    let isAssumed = if case .assumed = stamp.availability { true } else { false }
    let rows = try connection.query(
      Self.merge,
      [
        .integer(Int64(entry.id)), .instant(stagedSpan.lowerBound), .instant(stagedSpan.upperBound),
        .instant(stamp.knownAt), .integer(Int64(stamp.provenance.rawValue)), .boolean(isAssumed),
      ])
    let (new, revised) = (Int(try rows.integer(0, 0)), Int(try rows.integer(0, 1)))
    counts.new += new
    counts.revised += revised
    counts.unchanged += staged - new - revised
    if let from = try rows.optionalTime(0, 2), let to = try rows.optionalTime(0, 3) { note(from...to) }
    staged = 0
    try connection.script("TRUNCATE arriving_candles")
  }

  /// The rule is that of `Candle.covers`: what arrives without a value contradicts nothing.
  private static let merge = """
    WITH stored AS (
      SELECT DISTINCT ON (open_time) * FROM candle_versions
      WHERE series = $1 AND open_time >= $2 AND open_time <= $3 ORDER BY open_time, revision DESC
    ), added AS (
      INSERT INTO \(PostgresCandleColumns.table)
      SELECT $1, a.open_time, coalesce(s.revision + 1, 0), a.open, a.high, a.low, a.close, a.volume, a.quote_volume,
        a.trades, a.taker_buy_base, a.taker_buy_quote, CASE WHEN s.revision IS NULL THEN a.available_at ELSE $4 END,
        $4, $5, s.revision IS NULL AND $6
      FROM arriving_candles a LEFT JOIN stored s USING (open_time)
      WHERE s.revision IS NULL OR NOT (a.open = s.open AND a.high = s.high AND a.low = s.low AND a.close = s.close
        AND (a.volume IS NULL OR a.volume IS NOT DISTINCT FROM s.volume)
        AND (a.quote_volume IS NULL OR a.quote_volume IS NOT DISTINCT FROM s.quote_volume)
        AND (a.trades IS NULL OR a.trades IS NOT DISTINCT FROM s.trades)
        AND (a.taker_buy_base IS NULL OR a.taker_buy_base IS NOT DISTINCT FROM s.taker_buy_base)
        AND (a.taker_buy_quote IS NULL OR a.taker_buy_quote IS NOT DISTINCT FROM s.taker_buy_quote))
      RETURNING open_time, revision
    )
    SELECT count(*) FILTER (WHERE revision = 0), count(*) FILTER (WHERE revision > 0), min(open_time), max(open_time)
    FROM added
    """

  // MARK: Copies

  /// Into the partition itself: the server need not look for the place of each row.
  private func direct(_ time: Timestamp) throws(StoreError) -> PostgresCopy {
    if let copy, case .direct(let range) = copy.way, range.contains(time) { return copy.rows }
    try endCopy()
    let part = store.partitions.part(of: .candles, at: time)
    let rows = try PostgresCopy(
      connection, into: "\(part.name) (\(PostgresCandleColumns.names))", columns: PostgresCandleColumns.count)
    copy = (.direct(part.range), rows)
    return rows
  }

  private func staging() throws(StoreError) -> PostgresCopy {
    if let copy, case .staged = copy.way { return copy.rows }
    try endCopy()
    try makeStaging()
    let rows = try PostgresCopy(connection, into: "arriving_candles", columns: 11)
    copy = (.staged, rows)
    return rows
  }

  private func endCopy() throws(StoreError) {
    guard let open = copy else { return }
    copy = nil
    try open.rows.finish()
  }
}
