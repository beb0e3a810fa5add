import Market

/// There is no index: rows lie in the order they were written, which is mostly that of time, and DuckDB skips the
/// blocks outside a window by their smallest and largest time.
struct DuckDBVersionCursor: VersionCursor {
  private let statement: Statement
  private let series: Int32
  private let asOf: Timestamp
  private let end: Timestamp
  private var next: Timestamp

  init(_ session: DuckDBSession, series: Int32, range: Range<Timestamp>, asOf: Timestamp) throws(StoreError) {
    statement = try session.prepare(
      """
      SELECT \(CandleColumns.selection) FROM candle_versions
      WHERE series = ? AND open_time >= ? AND open_time < ? AND known_at <= ?
      """)
    (self.series, self.asOf, next, end) = (series, asOf, range.lowerBound, range.upperBound)
  }

  mutating func skip(to time: Timestamp) { next = max(next, time) }

  mutating func nextWindow() throws(StoreError) -> VersionWindow? {
    while next < end {
      let stop = min(end, next.adding(minutes: Self.windowMinutes))
      let result = try statement.execute([
        .integer(Int64(series)), .instant(next), .instant(stop), .instant(asOf),
      ])
      let start = next
      next = stop
      var window = VersionWindow(minutes: stop.minutes(since: start))
      try result.forEachChunk { chunk throws(StoreError) in
        let candles = CandleChunk(chunk)
        for row in 0..<candles.count { window.append(candles.record(row), revision: candles.revision(row)) }
      }
      window.keepNewest()
      if !window.isEmpty { return window }
    }
    return nil
  }
}
