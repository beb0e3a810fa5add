import Market
import Operations
import Storage

/// The stored candles that an audit works on, with all their versions.
struct AuditStretch {
  /// Enough for warm-ups, folds and late patches, and soon done.
  static let usualMinutes = 6000
  static let fewestCandles = 600

  let period: Range<Timestamp>
  /// In the order in which a live reader had them.
  let events: [MarketEvent]

  /// Where there is enough before a moment to learn from.
  var laterHalf: Range<Timestamp> {
    let half = period.upperBound.minutes(since: period.lowerBound) / 2
    return period.lowerBound.adding(minutes: half)..<period.upperBound
  }

  /// - Parameter wanted: open times; where an end is open, the last `usualMinutes` before the other or of all that is
  ///   stored.
  init(
    _ wanted: Range<Timestamp>, _ view: MarketView, of summary: SeriesSummary, from store: some CandleStore
  ) throws {
    let series = summary.series
    let end = min(wanted.upperBound, summary.period.upperBound)
    let usual = end.adding(minutes: -Self.usualMinutes)
    let start = max(wanted.lowerBound == .distantPast ? usual : wanted.lowerBound, summary.firstOpenTime)
    let period = start..<max(start, end)
    self.period = period
    guard !period.isEmpty else {
      throw CommandError(
        .badData,
        "no candles of \(series) between --from and --to; stored are \(summary.period.lowerBound) to "
          + "\(summary.period.upperBound)")
    }
    var events: [MarketEvent] = []
    try store.readEvents(view, in: period) { events.append($0) }
    self.events = events
    let count = events.newestVersions(of: series).count
    guard count >= Self.fewestCandles else {
      throw CommandError(
        .badData,
        "\(count.grouped) candles of \(series) from \(period.lowerBound) to \(period.upperBound); an audit needs "
          + "\(Self.fewestCandles.grouped): widen --from and --to within \(summary.period.lowerBound) to "
          + "\(summary.period.upperBound), or import more")
    }
  }
}
