package import Features
package import Market
package import Models

/// Takes what a pipeline gives out.
package protocol PipelineSink {
  mutating func receive(_ prediction: Prediction)
}

/// The one fold from market events to predictions: live, replay and backtest are the same sequence of `step`.
///
/// It has no clock, no I/O and no randomness; whatever can change a prediction enters as an event. A view of two series is
/// joined by the rules of `CandleJoin`, so one event may lead to no decision or to several.
package struct PredictionPipeline: ~Copyable {
  /// What an event did.
  package enum Effect: Hashable, Sendable {
    /// A series that this view does not read.
    case ignored
    /// Nothing yet: prices wait for their volumes, or volumes for their prices; or nothing that this view reads is new.
    case waiting
    /// The next candle.
    case folded
    /// Late truth: the state was put right; predictions already made stay.
    case amended(candles: Int)
    /// Late truth from before everything kept: `rebuild` from the store.
    case needsRebuild(from: Timestamp)
  }

  /// A decision is not made later than this after its time: what was missed and fetched afterwards builds up state, but
  /// nobody could have acted on a prediction of then.
  package static let latestDecisionMinutes = 1

  private var stage: FeatureStage
  private var decisions: DecisionStage
  /// The newest minutes of a rebuild that is under way.
  private var rebuilt: RecentVectors

  package init(view: MarketView, mode: Prediction.Mode) {
    stage = FeatureStage(view)
    decisions = DecisionStage(view: view, mode: mode)
    rebuilt = RecentVectors(.of(view))
  }

  package var view: MarketView { decisions.view }

  /// Decisions before it are not made; candles only build up state.
  package var firstDecision: Timestamp {
    get { decisions.firstDecision }
    set { decisions.firstDecision = newValue }
  }

  /// Starts, replaces or (with `nil`) withdraws the version that answers for a target. Without one the baseline answers.
  ///
  /// The version must be for this view and its feature set, which loading it checks.
  package mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    decisions.serve(target, with: version)
  }

  /// Sets the versions beside the one that answers for a target; those of before are withdrawn.
  package mutating func setArms(_ arms: [ServedArm<ServedVersion>], of target: PredictionTarget) {
    decisions.setArms(arms, of: target)
  }

  /// Forgets all candles; versions stay.
  package mutating func restart() {
    stage.restart()
    decisions.restart(with: RecentVectors(stage.featureSet))
  }

  /// Forgets what was folded, after `needsRebuild`: all of the view's candles follow by `rebuild`, and then `endRebuild`.
  /// What waits for its volumes goes on waiting.
  package mutating func beginRebuild() {
    stage.beginRebuild()
    rebuilt = RecentVectors(stage.featureSet)
  }

  /// Folds the next of the candles anew, without deciding.
  ///
  /// - Parameter candles: as they stand, ascending.
  package mutating func rebuild(with candles: some Sequence<FeatureInput>) {
    stage.rebuild(with: candles) { rebuilt.append($0) }
  }

  package mutating func endRebuild() {
    decisions.restart(with: rebuilt)
    rebuilt = RecentVectors(stage.featureSet)
  }

  /// Folds an event and makes the decisions that follow from it.
  ///
  /// Where more than one thing follows, the effect is what most needs to be known of them: a rebuild, a decision, an
  /// amendment. `take` and `next` give them one by one.
  package mutating func step(_ event: borrowing MarketEvent, into sink: inout some PipelineSink) -> Effect {
    guard take(event) else { return .ignored }
    var effect = Effect.waiting
    while let next = next(into: &sink) { effect = effect.joined(by: next) }
    return effect
  }

  /// Folds an event without deciding, to bring the pipeline up to where decisions begin.
  package mutating func fold(_ event: borrowing MarketEvent) -> Effect {
    guard take(event) else { return .ignored }
    var effect = Effect.waiting
    while let next = fold() { effect = effect.joined(by: next) }
    return effect
  }

  /// Takes an event; what follows from it comes from `next`. False for a series that this view does not read.
  package mutating func take(_ event: borrowing MarketEvent) -> Bool { stage.take(event) }

  /// It is this late: prices that have waited for their volumes for too long wait no more, and what follows comes from
  /// `next`. It only makes decisions sooner that the next event would bring, and does not change them.
  package mutating func advance(to time: Timestamp) { stage.advance(to: time) }

  /// Folds the next candle that follows from what was taken, and decides on it; `nil` when there is none.
  package mutating func next(into sink: inout some PipelineSink) -> Effect? {
    let effect = fold()
    if effect == .folded {
      decisions.decide(availableAt: stage.latestAvailability, isWarm: stage.isWarm, into: &sink)
    }
    return effect
  }

  /// The newest feature vector, raw, in the order of the view's feature set; empty before the first candle.
  package var vector: [Float] { decisions.recent.newestVector }

  /// The newest minute as far as a window that is not over reads it; `nil` before the first one.
  package var closedMinute: ClosedMinute? { decisions.closedMinute }

  package var newestOpenTime: Timestamp? { decisions.newestOpenTime }

  /// The version that answers for a target, as the last decision left it.
  package func bundle(of target: PredictionTarget) -> ModelBundle? { decisions.serving(target)?.bundle }

  /// Where the target's window stands at the newest candle's close.
  package func windowState(of target: PredictionTarget) -> WindowState? { decisions.serving(target)?.windowState }

  /// Only what decides, brought up to here; vectors come from elsewhere from now on.
  package consuming func decisionStage() -> DecisionStage { decisions }

  private mutating func fold() -> Effect? {
    switch stage.next() {
    case nil: return nil
    case .folded:
      decisions.observe(stage.engine)
      return .folded
    case .amended(let candles):
      decisions.replaceTail(with: stage.refolded)
      return .amended(candles: candles)
    case .needsRebuild(let from): return .needsRebuild(from: from)
    }
  }
}

extension PredictionPipeline.Effect {
  fileprivate func joined(by other: Self) -> Self {
    switch (self, other) {
    case (.needsRebuild(let a), .needsRebuild(let b)): .needsRebuild(from: min(a, b))
    case (.amended(let a), .amended(let b)): .amended(candles: a + b)
    default: other.weight > weight ? other : self
    }
  }

  private var weight: Int {
    switch self {
    case .ignored: 0
    case .waiting: 1
    case .amended: 2
    case .folded: 3
    case .needsRebuild: 4
    }
  }
}
