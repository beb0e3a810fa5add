import Market

/// What a store remembers of its rows between commits, so that they need not be looked up again. It is dropped with
/// every transaction that fails and with every write past it.
struct LiveMemory {
  struct LedgerKey: Hashable {
    let series: Series
    let kind: LedgerKind
  }

  struct Entry {
    var live: LiveSeries
    /// Versions since the row of the series was written.
    var unwritten = 0

    init(_ entry: SeriesEntry) { live = LiveSeries(entry) }
  }

  var series: [Series: Entry] = [:]
  var ledgers: [LedgerKey: StoredLedger] = [:]
}

/// A ledger as its rows have it, and as it is.
struct StoredLedger {
  var written: LedgerMap
  var map: LedgerMap

  init(_ written: LedgerMap, _ map: LedgerMap? = nil) { (self.written, self.map) = (written, map ?? written) }

  var difference: LedgerDifference { LedgerDifference(from: written, to: map) }
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

  func summary(of series: Series) -> SeriesSummary? {
    span.map { span in
      SeriesSummary(
        series: series, rows: rows, firstOpenTime: span.lowerBound, lastOpenTime: span.upperBound, revisions: revisions)
    }
  }

  /// What a candle is among the stored ones: a version that is to be stored, which counts as stored from now on; `nil`
  /// if it says nothing new.
  ///
  /// - Parameter load: reads the newest versions of a range.
  mutating func version(
    of record: CandleRecord, knownAt: Timestamp,
    load: (Range<Timestamp>) throws(StoreError) -> [VersionPages.Version]
  ) throws(StoreError) -> (record: CandleRecord, revision: Int32)? {
    precondition(record.candle.openTime.isMinuteAligned, "a candle opens on a whole minute")
    let stored = span
    let old = try pages.newest(at: record.candle.openTime) { page throws(StoreError) in
      guard let stored, stored.overlaps(page) else { return [] }
      return try load(page)
    }
    if let old, old.candle.covers(record.candle) { return nil }
    var record = record
    record.knownAt = knownAt
    if let old {
      record.knownAt = max(knownAt, old.knownAt.adding(microseconds: 1))
      record.availableAt = max(record.availableAt, record.knownAt)
      record.isAvailabilityAssumed = false
    }
    let revision = old.map { $0.revision + 1 } ?? 0
    note(.init(candle: record.candle, revision: revision, knownAt: record.knownAt))
    return (record, revision)
  }

  /// Counts a version of the minute that was asked for last.
  private mutating func note(_ version: VersionPages.Version) {
    pages.note(version)
    if version.revision > 0 { revisions += 1 } else { rows += 1 }
    let time = version.candle.openTime
    span = min(span?.lowerBound ?? time, time)...max(span?.upperBound ?? time, time)
  }
}
