package import Features
package import Market

/// The first half of a pipeline: from market events to feature vectors. It has no clock and no I/O.
package struct FeatureStage: ~Copyable {
  package enum Effect: Hashable, Sendable {
    /// The engine holds the next minute.
    case folded
    /// The newest minutes of what was folded again are in `refolded`.
    case amended(candles: Int)
    case needsRebuild(from: Timestamp)
  }

  package let view: MarketView
  package let featureSet: FeatureSet
  private var join: CandleJoin
  private var features = RewindableFeatures()
  /// Of everything folded so far.
  package private(set) var latestAvailability = Timestamp.distantPast
  private(set) var refolded: RecentVectors
  /// What `nextUpdate` has told of the newest minutes.
  private var told: RecentVectors

  package init(_ view: MarketView) {
    self.view = view
    featureSet = .of(view)
    join = CandleJoin(view)
    refolded = RecentVectors(featureSet)
    told = RecentVectors(featureSet)
  }

  var engine: FeatureEngine { _read { yield features.engine } }

  package var isWarm: Bool { features.engine.candlesSinceRestart >= FeatureEngine.warmUpCandles }

  /// Forgets all candles.
  package mutating func restart() {
    join = CandleJoin(view)
    features = RewindableFeatures()
    told = RecentVectors(featureSet)
    latestAvailability = .distantPast
  }

  /// Forgets what was folded, after `needsRebuild`: all of the view's candles follow by `rebuild`. What waits for its
  /// volumes goes on waiting.
  package mutating func beginRebuild() {
    features = RewindableFeatures()
    told = RecentVectors(featureSet)
  }

  /// Folds the next of the candles anew.
  ///
  /// - Parameters:
  ///   - candles: as they stand, ascending.
  ///   - onUpdate: sees the engine after each of them.
  package mutating func rebuild(
    with candles: some Sequence<FeatureInput>, onUpdate: (borrowing FeatureEngine) -> Void = { _ in }
  ) {
    for candle in candles where !join.isWaiting(candle.openTime) {
      features.update(candle)
      onUpdate(features.engine)
    }
  }

  /// Folds an event for the state alone; true when what stands in the store is to be folded anew.
  package mutating func fold(_ event: borrowing MarketEvent) -> Bool {
    guard take(event) else { return false }
    var needsRebuild = false
    while let effect = next() {
      if case .needsRebuild = effect { needsRebuild = true }
    }
    return needsRebuild
  }

  /// Takes an event; what follows from it comes from `next`. False for a series that this view does not read.
  package mutating func take(_ event: borrowing MarketEvent) -> Bool {
    switch event {
    case .candle(let series, _):
      guard join.reads(series) else { return false }
      join.take(event)
      return true
    }
  }

  /// It is this late: prices that have waited for their volumes for too long wait no more, and what follows comes from
  /// `next`. It only makes decisions sooner that the next event would bring, and does not change them.
  package mutating func advance(to time: Timestamp) { join.advance(to: time) }

  /// Folds the next candle that follows from what was taken; `nil` when there is none.
  mutating func next() -> Effect? {
    switch join.next() {
    case nil: return nil
    case .next(let candle, let time):
      latestAvailability = max(latestAvailability, time)
      features.update(candle)
      return .folded
    case .late(let candle, let time):
      latestAvailability = max(latestAvailability, time)
      return amend(candle)
    case .forgotten(let openTime, let time):
      latestAvailability = max(latestAvailability, time)
      return .needsRebuild(from: openTime)
    }
  }

  /// As `next`, with what another process needs to go on from it: one that has been told of everything before, or has
  /// read it. What changes nothing that was told is not an update.
  package mutating func nextUpdate() -> FeatureUpdate? {
    while let effect = next() {
      switch effect {
      case .folded:
        guard let candle = features.engine.newest else { continue }
        told.append(features.engine)
        let point = FeatureVector(candle: candle, vector: told.newestVector)
        return .next(point, availableAt: latestAvailability, isWarm: isWarm)
      case .amended(let candles):
        let changes = told.changes(in: refolded)
        guard !changes.isEmpty else { continue }
        told.put(changes)
        return .amended(changes, candles: candles)
      case .needsRebuild(let from): return .needsRebuild(from: from)
      }
    }
    return nil
  }

  private mutating func amend(_ candle: FeatureInput) -> Effect {
    var tail = RecentVectors(featureSet)
    switch features.amend([candle], onUpdate: { tail.append($0) }) {
    case .needsRebuild(let from): return .needsRebuild(from: from)
    case .refolded(let count):
      refolded = tail
      return .amended(candles: count)
    }
  }
}
