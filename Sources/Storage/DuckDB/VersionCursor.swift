import Market

/// Stored versions of candles, by open time and revision.
struct VersionWindow {
  private(set) var records: [CandleRecord] = []
  /// Of each record.
  private(set) var revisions: [Int32] = []
  private var isSorted = true
  private var hasRevisions = false

  /// - Parameter minutes: of the window, so that it grows only for revisions.
  init(minutes: Int = 0) {
    records.reserveCapacity(minutes)
    revisions.reserveCapacity(minutes)
  }

  var isEmpty: Bool { records.isEmpty }

  mutating func append(_ record: CandleRecord, revision: Int32) {
    if let last = records.last, record.candle.openTime < last.candle.openTime { isSorted = false }
    if revision > 0 { hasRevisions = true }
    records.append(record)
    revisions.append(revision)
  }

  /// Puts the rows in order and keeps the last version of each minute.
  mutating func keepNewest() {
    guard !isSorted || hasRevisions else { return }
    let order = records.indices.sorted { a, b in
      let (first, second) = (records[a].candle.openTime, records[b].candle.openTime)
      return first == second ? revisions[a] < revisions[b] : first < second
    }
    let newest = order.indices.filter { place in
      place + 1 == order.count || records[order[place]].candle.openTime != records[order[place + 1]].candle.openTime
    }
    (records, revisions) = (newest.map { records[order[$0]] }, newest.map { revisions[order[$0]] })
    (isSorted, hasRevisions) = (true, false)
  }
}

/// Walks the newest versions of a series in order, a window of minutes at a time, so that memory stays bounded.
///
/// There is no index: rows lie in the order they were written, which is mostly that of time, and DuckDB skips the
/// blocks outside a window by their smallest and largest time.
struct VersionCursor {
  static let windowMinutes = 15 * 1440

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

  /// Skips to a later time.
  mutating func skip(to time: Timestamp) { next = max(next, time) }

  /// The next window that has any rows; `nil` at the end.
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
