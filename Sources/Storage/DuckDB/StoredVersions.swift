import Market

/// Answers, for times that only rise, which version of a minute is the newest stored.
struct StoredVersions {
  private var cursor: VersionCursor?
  private var rows: [VersionCursor.Row] = []
  private var position = 0

  /// `summary` is `nil` for a series without rows.
  init(_ session: DuckDBSession, _ entry: SeriesEntry) throws(StoreError) {
    guard let summary = entry.summary else { return }
    cursor = try VersionCursor(
      session, series: entry.id, range: summary.firstOpenTime..<summary.lastOpenTime.adding(minutes: 1),
      asOf: .distantFuture)
  }

  mutating func newest(at time: Timestamp) throws(StoreError) -> VersionCursor.Row? {
    while true {
      while position < rows.count, rows[position].record.candle.openTime < time { position += 1 }
      if position < rows.count {
        return rows[position].record.candle.openTime == time ? rows[position] : nil
      }
      cursor?.skip(to: time)
      guard let window = try cursor?.nextWindow() else {
        (cursor, rows, position) = (nil, [], 0)
        return nil
      }
      (rows, position) = (window.newestVersions(), 0)
    }
  }
}
