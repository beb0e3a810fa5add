import Market

/// What a store remembers of its rows between commits, so that they need not be looked up again. It is dropped with
/// every transaction that fails and with every write past it.
struct LiveMemory {
  struct LedgerKey: Hashable {
    let series: Series
    let kind: LedgerKind
  }

  var series: [Series: LiveSeries] = [:]
  var ledgers: [LedgerKey: LedgerMap] = [:]
}

/// A series that is being written to.
struct LiveSeries {
  let id: Int32
  private(set) var rows: Int
  private(set) var revisions: Int
  /// Of open times; `nil` without rows.
  private(set) var span: ClosedRange<Timestamp>?
  var pages = VersionPages()

  init(_ entry: SeriesEntry) {
    id = entry.id
    (rows, revisions) = (entry.summary?.rows ?? 0, entry.summary?.revisions ?? 0)
    span = entry.summary.map { $0.firstOpenTime...$0.lastOpenTime }
  }

  /// Counts a version of the minute that was asked for last.
  mutating func note(_ version: VersionPages.Version) {
    pages.note(version)
    if version.revision > 0 { revisions += 1 } else { rows += 1 }
    let time = version.candle.openTime
    span = min(span?.lowerBound ?? time, time)...max(span?.upperBound ?? time, time)
  }
}
