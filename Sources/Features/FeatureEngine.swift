package import Market

/// The one kernel of candle features: a fold over candles that keeps the newest vector.
///
/// Batch, stream and replay are the same sequence of `update` and give the same bits. An update neither allocates nor
/// depends on the length of history.
package struct FeatureEngine: ~Copyable, Sendable {
  /// Absent minutes in a row that state survives; after more of them warm-ups begin anew.
  package static let longestBridgedHole = 5
  /// Candles after which every column but the longest lagged ones is known in normal trading.
  package static let warmUpCandles = 300

  private let state: State

  package init() { state = State(FeatureCheckpoint()) }

  package init(restoring checkpoint: FeatureCheckpoint) { state = State(checkpoint) }

  package func checkpoint() -> FeatureCheckpoint {
    FeatureCheckpoint(indicators: state.indicators, row: state.row, newest: state.newest, candlesSinceRestart: state.candlesSinceRestart)
  }

  /// The candle folded last.
  package var newest: FeatureInput? { state.newest }

  /// Candles folded since the first one or since the last hole that restarted the warm-ups.
  package var candlesSinceRestart: Int { state.candlesSinceRestart }

  /// Open time of the newest candle.
  package var openTime: Timestamp? { state.newest?.openTime }

  /// Folds the next candle, which must open on a whole minute later than the newest; nothing is filled in for minutes
  /// between them.
  package mutating func update(_ candle: FeatureInput) {
    precondition(candle.openTime.isMinuteAligned, "candle at \(candle.openTime) does not open on a whole minute")
    var previous = state.newest
    var absent = 0
    if let previous {
      absent = candle.openTime.minutes(since: previous.openTime) - 1
      precondition(absent >= 0, "candle at \(candle.openTime) is not later than \(previous.openTime)")
    }
    if absent > Self.longestBridgedHole {
      state.indicators.restartWarmUp()
      state.candlesSinceRestart = 0
      previous = nil
    }
    var step = CandleStep(
      candle, minute: Int(candle.openTime.minute), previous: previous, isAdjacent: previous != nil && absent == 0)
    state.indicators.update(&step, into: &state.row)
    state.newest = candle
    state.candlesSinceRestart += 1
  }

  /// The newest vector in the order of `FeatureSet.candles`; NaN where a value is not known, everywhere before the
  /// first candle.
  package func withValues<R>(_ body: (Span<Double>) throws -> R) rethrows -> R {
    try body(state.row.values.span.extracting(first: FeatureSet.candles.count))
  }

  package subscript(column: Int) -> Double { state.row.values[column] }

  /// Casts the newest vector into the `FeatureSet.candles.count` places of `vector` from `start` on.
  package func write(into vector: inout MutableSpan<Float>, at start: Int = 0) {
    let values = state.row.values.span
    for column in 0..<FeatureSet.candles.count { vector[start + column] = Float(values[column]) }
  }
}

extension FeatureEngine {
  /// About 50 kB that must be read in place: even a borrow of a structure that large is a copy.
  ///
  /// Sendable because the engine that owns it cannot be copied.
  private final class State: @unchecked Sendable {
    var indicators: CandleIndicators
    var row: FeatureRow
    var newest: FeatureInput?
    var candlesSinceRestart: Int

    init(_ checkpoint: FeatureCheckpoint) {
      indicators = checkpoint.indicators
      row = checkpoint.row
      newest = checkpoint.newest
      candlesSinceRestart = checkpoint.candlesSinceRestart
    }
  }
}
