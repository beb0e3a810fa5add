import Market

/// Answers, for times that only rise, which version of a minute is the newest stored.
struct StoredVersions {
  private var cursor: VersionCursor?
  private var window = VersionWindow()
  private var position = 0

  /// A series without rows has no summary.
  init(_ session: DuckDBSession, _ entry: SeriesEntry) throws(StoreError) {
    guard let summary = entry.summary else { return }
    cursor = try VersionCursor(
      session, series: entry.id, range: summary.firstOpenTime..<summary.lastOpenTime.adding(minutes: 1),
      asOf: .distantFuture)
  }

  mutating func newest(at time: Timestamp) throws(StoreError) -> (candle: Candle, revision: Int32)? {
    while true {
      while position < window.records.count, window.records[position].candle.openTime < time { position += 1 }
      if position < window.records.count {
        let candle = window.records[position].candle
        return candle.openTime == time ? (candle, window.revisions[position]) : nil
      }
      cursor?.skip(to: time)
      guard let next = try cursor?.nextWindow() else {
        (cursor, window, position) = (nil, VersionWindow(), 0)
        return nil
      }
      (window, position) = (next, 0)
    }
  }
}
