import Market

/// Answers, for times that only rise, which version of a minute is the newest stored.
struct StoredVersions<Cursor: VersionCursor> {
  private var cursor: Cursor?
  private var window = VersionWindow()
  private var position = 0

  /// - Parameter cursor: over all that is stored; `nil` if nothing is.
  init(_ cursor: Cursor?) { self.cursor = cursor }

  mutating func newest(at time: Timestamp) throws -> (candle: Candle, revision: Int32)? {
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
