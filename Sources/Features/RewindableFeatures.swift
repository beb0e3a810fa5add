package import Market

/// An engine that can take back what it folded: late candles and revisions are put in their place and everything after
/// them is folded again, with the same bits as if they had come in time.
package struct RewindableFeatures: ~Copyable, Sendable {
  package enum Amendment: Hashable, Sendable {
    /// The vectors of so many candles were computed again.
    case refolded(candles: Int)
    /// The earliest change is older than every checkpoint that is kept: fold the series anew from the store.
    case needsRebuild(from: Timestamp)
  }

  /// A state has 215 kB, and folding as many candles again takes half a millisecond.
  package static let checkpointMinutes = 4 * 60
  package static let keptMinutes = 48 * 60

  package private(set) var engine: FeatureEngine
  /// The first one is before all of `candles` that can be folded again.
  private var checkpoints = CheckpointRing(capacity: keptMinutes / checkpointMinutes + 2)
  /// Ascending; at least those folded since the first checkpoint.
  private var candles: [FeatureInput] = []

  /// Continues from an engine's state; what that engine folded cannot be taken back.
  package init(_ engine: consuming FeatureEngine = FeatureEngine()) {
    checkpoints.append(engine)
    self.engine = engine
  }

  /// Folds the next candle, which must be later than the newest.
  package mutating func update(_ candle: FeatureInput) {
    keepCheckpoint(before: candle)
    engine.update(candle)
    candles.append(candle)
  }

  /// Puts late candles and revised ones in their place, in any order, and folds again from the checkpoint before the
  /// earliest. Candles later than the newest are folded as new ones.
  ///
  /// `onUpdate` sees the engine after each candle that was folded again.
  @discardableResult
  package mutating func amend(
    _ changes: [FeatureInput], onUpdate: (borrowing FeatureEngine) -> Void = { _ in }
  ) -> Amendment {
    guard let earliest = changes.map(\.openTime).min() else { return .refolded(candles: 0) }
    let restart = checkpoints.countBefore(earliest) - 1
    guard restart >= 0 else { return .needsRebuild(from: earliest) }
    let isFolded = { [time = checkpoints.openTime(restart)] (candle: FeatureInput) in
      time.map { candle.openTime <= $0 } ?? false
    }
    let tail = corrected(candles.filter { !isFolded($0) }, by: changes)
    engine = checkpoints.engine(restart)
    candles.removeAll { !isFolded($0) }
    checkpoints.keepFirst(restart + 1)
    for candle in tail {
      update(candle)
      onUpdate(engine)
    }
    return .refolded(candles: tail.count)
  }

  private func corrected(_ folded: [FeatureInput], by changes: [FeatureInput]) -> [FeatureInput] {
    var byTime: [Timestamp: FeatureInput] = [:]
    for candle in folded { byTime[candle.openTime] = candle }
    for candle in changes { byTime[candle.openTime] = candle }
    return byTime.values.sorted { $0.openTime < $1.openTime }
  }

  private mutating func keepCheckpoint(before candle: FeatureInput) {
    guard let newest = engine.openTime else { return }
    let period = Int64(Self.checkpointMinutes)
    guard newest.minute.flooredQuotient(period) < candle.openTime.minute.flooredQuotient(period) else { return }
    checkpoints.append(engine)
    dropOldCandles()
  }

  /// In large pieces, since what stays is moved.
  private mutating func dropOldCandles() {
    guard candles.count > 2 * Self.keptMinutes, let oldest = checkpoints.openTime(0) else { return }
    candles.removeAll { $0.openTime <= oldest }
  }
}
