import Market
import Operations
import Storage

/// The stored candles that an audit works on, with all their versions.
struct AuditStretch {
  /// Enough for warm-ups, folds and late patches, and soon done.
  static let usualMinutes = 6000
  static let fewestCandles = 600

  let series: Series
  let period: Range<Timestamp>
  /// By open time and availability.
  let records: [CandleRecord]

  /// Where there is enough before a moment to learn from.
  var laterHalf: Range<Timestamp> {
    let half = period.upperBound.minutes(since: period.lowerBound) / 2
    return period.lowerBound.adding(minutes: half)..<period.upperBound
  }

  /// - Parameter wanted: open times; where an end is open, the last `usualMinutes` before the other or of all that is
  ///   stored.
  init(_ wanted: Range<Timestamp>, of summary: SeriesSummary, from store: some CandleStore) throws {
    series = summary.series
    let end = min(wanted.upperBound, summary.period.upperBound)
    let usual = end.adding(minutes: -Self.usualMinutes)
    let start = max(wanted.lowerBound == .distantPast ? usual : wanted.lowerBound, summary.firstOpenTime)
    let period = start..<max(start, end)
    self.period = period
    let revised = try store.revisions(series, in: period, asOf: .distantFuture).map(\.record)
    let minutes = Set(revised.map(\.candle.openTime))
    let others = try store.candles(series, in: period).filter { !minutes.contains($0.candle.openTime) }
    records = (others + revised).sorted {
      ($0.candle.openTime, $0.availableAt) < ($1.candle.openTime, $1.availableAt)
    }
    let count = others.count + minutes.count
    guard count >= Self.fewestCandles else {
      throw CommandError(
        .badData,
        "\(count.grouped) candles of \(series) from \(period.lowerBound) to \(period.upperBound); an audit needs "
          + "\(Self.fewestCandles.grouped): widen --from and --to within \(summary.period.lowerBound) to "
          + "\(summary.period.upperBound), or import more")
    }
  }
}
