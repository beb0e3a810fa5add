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

  package static let checkpointMinutes = 60
  package static let keptMinutes = 48 * 60

  package private(set) var engine: FeatureEngine
  /// Ascending, the first one before all of `candles`.
  private var checkpoints: [FeatureCheckpoint]
  /// Folded since the first checkpoint, ascending.
  private var candles: [FeatureInput] = []

  /// Continues from an engine's state; what that engine folded cannot be taken back.
  package init(_ engine: consuming FeatureEngine = FeatureEngine()) {
    checkpoints = [engine.checkpoint()]
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
    guard let restart = checkpoints.lastIndex(where: { $0.isBefore(earliest) }) else {
      return .needsRebuild(from: earliest)
    }
    let tail = corrected(candles.filter { !checkpoints[restart].covers($0) }, by: changes)
    engine = FeatureEngine(restoring: checkpoints[restart])
    candles.removeAll { !checkpoints[restart].covers($0) }
    checkpoints.removeSubrange((restart + 1)...)
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
    checkpoints.append(engine.checkpoint())
    dropOld(before: candle.openTime.adding(minutes: -Self.keptMinutes))
  }

  /// Keeps one checkpoint from which every minute since `oldest` can be folded again.
  private mutating func dropOld(before oldest: Timestamp) {
    guard let first = checkpoints.lastIndex(where: { $0.isBefore(oldest) }), first > 0 else { return }
    checkpoints.removeFirst(first)
    candles.removeAll { checkpoints[0].covers($0) }
  }
}

extension FeatureCheckpoint {
  fileprivate func isBefore(_ time: Timestamp) -> Bool { openTime.map { $0 < time } ?? true }

  fileprivate func covers(_ candle: FeatureInput) -> Bool { openTime.map { candle.openTime <= $0 } ?? false }
}
