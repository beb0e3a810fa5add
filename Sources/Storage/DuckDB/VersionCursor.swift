import Market

/// Walks the stored versions of a series in order, a window of minutes at a time, so that memory stays bounded.
///
/// There is no index: rows lie in the order they were written, which is mostly that of time, and DuckDB skips the
/// blocks outside a window by their smallest and largest time.
struct VersionCursor {
  /// A candle with the number of its version.
  struct Row {
    var record: CandleRecord
    var revision: Int
  }

  static let windowMinutes = 30 * 1440

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

  /// The versions of the next window that has any, by open time and revision; `nil` at the end.
  mutating func nextWindow() throws(StoreError) -> [Row]? {
    var rows: [Row] = []
    while next < end {
      let stop = min(end, next.adding(minutes: Self.windowMinutes))
      let result = try statement.execute([
        .integer(Int64(series)), .instant(next), .instant(stop), .instant(asOf),
      ])
      next = stop
      var isSorted = true
      try result.forEachChunk { chunk throws(StoreError) in
        let candles = CandleChunk(chunk)
        for row in 0..<candles.count {
          let version = Row(record: candles.record(row), revision: candles.revision(row))
          if let last = rows.last, !Self.isOrdered(last, version) { isSorted = false }
          rows.append(version)
        }
      }
      if !isSorted { rows.sort(by: Self.isOrdered) }
      if !rows.isEmpty { return rows }
    }
    return nil
  }

  private static func isOrdered(_ a: Row, _ b: Row) -> Bool {
    let (first, second) = (a.record.candle.openTime, b.record.candle.openTime)
    return first == second ? a.revision < b.revision : first < second
  }
}

extension [VersionCursor.Row] {
  /// Of rows in order, the last version of each minute.
  func newestVersions() -> [VersionCursor.Row] {
    var result: [VersionCursor.Row] = []
    result.reserveCapacity(count)
    for row in self {
      if result.last?.record.candle.openTime == row.record.candle.openTime { result.removeLast() }
      result.append(row)
    }
    return result
  }
}
