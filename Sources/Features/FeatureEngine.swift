package import Market

/// The one kernel of candle features: a fold over candles that keeps the newest vector.
///
/// Batch, stream and replay are the same sequence of `update` and give the same bits. An update neither allocates nor
/// depends on the length of history. About 60 kB by value; copy it only to keep it.
package struct FeatureEngine: Sendable {
  /// Absent minutes in a row that state survives; after more of them warm-ups begin anew.
  package static let longestBridgedHole = 5
  /// Candles after which every column but the longest lagged returns is known in normal trading.
  package static let warmUpCandles = 300

  private var indicators = CandleIndicators()
  private var row = FeatureRow()
  /// The candle folded last.
  package private(set) var newest: FeatureInput?
  /// Candles folded since the first one or since the last hole that restarted the warm-ups.
  package private(set) var candlesSinceRestart = 0

  package init() {}

  /// Open time of the newest candle.
  package var openTime: Timestamp? { newest?.openTime }

  /// Folds the next candle, which must open on a whole minute later than the newest; nothing is filled in for minutes
  /// between them.
  package mutating func update(_ candle: FeatureInput) {
    precondition(candle.openTime.isMinuteAligned, "candle at \(candle.openTime) does not open on a whole minute")
    var previous = newest
    var absent = 0
    if let previous {
      absent = candle.openTime.minutes(since: previous.openTime) - 1
      precondition(absent >= 0, "candle at \(candle.openTime) is not later than \(previous.openTime)")
    }
    if absent > Self.longestBridgedHole {
      indicators.restartWarmUp()
      candlesSinceRestart = 0
      previous = nil
    }
    var step = CandleStep(
      candle, minute: Int(candle.openTime.minute), previous: previous, isAdjacent: previous != nil && absent == 0)
    indicators.update(&step, into: &row)
    newest = candle
    candlesSinceRestart += 1
  }

  /// The newest vector in the order of `FeatureSet.candles`; NaN where a value is not known, everywhere before the
  /// first candle.
  package func withValues<R>(_ body: (Span<Double>) throws -> R) rethrows -> R {
    try body(row.values.span.extracting(first: FeatureSet.candles.count))
  }

  package subscript(column: Int) -> Double { row.values[column] }

  /// Casts the newest vector into the `FeatureSet.candles.count` places of `vector` from `start` on.
  package func write(into vector: inout MutableSpan<Float>, at start: Int = 0) {
    for column in 0..<FeatureSet.candles.count { vector[start + column] = Float(row.values[column]) }
  }
}
