package import Market

/// The one kernel of candle features: a fold over candles that keeps the newest vector.
///
/// Batch, stream and replay are the same sequence of steps through the same indicators and give the same bits. An
/// update neither allocates nor depends on the length of history.
package struct FeatureEngine: ~Copyable, Sendable {
  /// Absent minutes in a row that state survives; after more of them warm-ups begin anew.
  package static let longestBridgedHole = 5
  /// Candles after which every column but the longest lagged ones is known in normal trading.
  package static let warmUpCandles = 300

  private static let longestBlock = 64

  private let state: State

  package init() { state = State(FeatureCheckpoint()) }

  package init(restoring checkpoint: FeatureCheckpoint) { state = State(checkpoint) }

  package func checkpoint() -> FeatureCheckpoint {
    var checkpoint = FeatureCheckpoint()
    write(to: &checkpoint)
    return checkpoint
  }

  /// Puts the state in the place of another.
  func write(to checkpoint: inout FeatureCheckpoint) {
    checkpoint.indicators[0] = state.indicators
    checkpoint.row = state.rows[state.newestPlace]
    checkpoint.newest = state.newest
    checkpoint.candlesSinceRestart = state.candlesSinceRestart
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
    state.begin()
    state.take(candle)
    state.run()
  }

  /// Folds many candles faster than one by one, with the same bits; `body` sees each with its vector, in order, as
  /// `withValues` gives it.
  package mutating func fold(_ candles: some Sequence<FeatureInput>, _ body: (FeatureInput, Span<Double>) -> Void) {
    var pending = 0
    for candle in candles {
      if pending == 0 || state.isFull || state.startsAnew(candle) {
        flush(body, pending)
        state.begin()
        pending = 0
      }
      state.take(candle)
      pending += 1
    }
    flush(body, pending)
  }

  private mutating func flush(_ body: (FeatureInput, Span<Double>) -> Void, _ pending: Int) {
    guard pending > 0 else { return }
    state.run()
    let count = FeatureSet.candles.count
    for place in 0..<pending {
      body(state.steps[place].candle, state.rows[place].values.span.extracting(first: count))
    }
  }

  /// The newest vector in the order of `FeatureSet.candles`; NaN where a value is not known, everywhere before the
  /// first candle.
  package func withValues<R>(_ body: (Span<Double>) throws -> R) rethrows -> R {
    try body(state.rows[state.newestPlace].values.span.extracting(first: FeatureSet.candles.count))
  }

  package subscript(column: Int) -> Double { state.rows[state.newestPlace].values[column] }

  /// The newest vector of a set.
  package func values(_ set: FeatureSet) -> [Double] { withValues { set.values($0, of: newest) } }

  /// Casts the newest vector into the `FeatureSet.candles.count` places of `vector` from `start` on.
  package func write(into vector: inout MutableSpan<Float>, at start: Int = 0) {
    let values = state.rows[state.newestPlace].values.span
    for column in 0..<FeatureSet.candles.count { vector[start + column] = Float(values[column]) }
  }

  /// Casts the newest vector of a set into its places of `vector` from `start` on.
  package func write(_ set: FeatureSet, into vector: inout MutableSpan<Float>, at start: Int = 0) {
    guard set.count < FeatureSet.candles.count else { return write(into: &vector, at: start) }
    set.write(state.rows[state.newestPlace].values.span, of: newest, into: &vector, at: start)
  }
}

extension FeatureEngine {
  /// Hundreds of kilobytes that must be read in place: even a borrow of a structure that large is a copy.
  ///
  /// Sendable because the engine that owns it cannot be copied.
  private final class State: @unchecked Sendable {
    var indicators: CandleIndicators
    /// The candles on their way through the indicators, and a row for each.
    var steps: [CandleStep] = []
    var rows: [FeatureRow]
    var newest: FeatureInput?
    var candlesSinceRestart: Int

    init(_ checkpoint: FeatureCheckpoint) {
      indicators = checkpoint.indicators[0]
      rows = [FeatureRow](repeating: checkpoint.row, count: FeatureEngine.longestBlock)
      newest = checkpoint.newest
      candlesSinceRestart = checkpoint.candlesSinceRestart
      steps.reserveCapacity(FeatureEngine.longestBlock)
    }

    var newestPlace: Int { max(steps.count, 1) - 1 }

    var isFull: Bool { steps.count == FeatureEngine.longestBlock }

    func begin() { steps.removeAll(keepingCapacity: true) }

    /// The candle comes after a hole that no state survives.
    func startsAnew(_ candle: FeatureInput) -> Bool {
      guard let newest else { return false }
      return candle.openTime.minutes(since: newest.openTime) > FeatureEngine.longestBridgedHole + 1
    }

    /// A candle that starts anew must be the first of its block.
    func take(_ candle: FeatureInput) {
      precondition(candle.openTime.isMinuteAligned, "candle at \(candle.openTime) does not open on a whole minute")
      if let newest {
        precondition(candle.openTime > newest.openTime, "candle at \(candle.openTime) is not after \(newest.openTime)")
      }
      let isRestart = startsAnew(candle)
      if isRestart { restartWarmUp() }
      rows[steps.count].start()
      steps.append(CandleStep(candle, previous: isRestart ? nil : newest))
      newest = candle
      candlesSinceRestart += 1
    }

    private func restartWarmUp() {
      indicators.restartWarmUp()
      candlesSinceRestart = 0
    }

    func run() { indicators.update(&steps, &rows) }
  }
}
