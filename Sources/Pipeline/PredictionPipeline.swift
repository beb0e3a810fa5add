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

  package let view: MarketView
  /// Decisions before it are not made; candles only build up state.
  package var firstDecision = Timestamp.distantPast
  private let mode: Prediction.Mode
  private let featureSet: FeatureSet
  private let featureSetHash: String
  private var join: CandleJoin
  private var features = RewindableFeatures()
  private var recent: RecentVectors
  private var servings: [Serving] = []
  private var latestAvailability = Timestamp.distantPast

  package init(view: MarketView, mode: Prediction.Mode) {
    self.view = view
    self.mode = mode
    featureSet = .of(view)
    featureSetHash = featureSet.hash.description
    join = CandleJoin(view)
    recent = RecentVectors(featureSet)
  }

  /// Starts, replaces or (with `nil`) withdraws the version that answers for a target. Without one the baseline answers.
  ///
  /// The version must be for this view and its feature set, which loading it checks.
  package mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    if let card = version?.bundle.card {
      precondition(
        card.view == view && card.layout.featureSetHash == featureSetHash,
        "\(card.name) is for \(card.view) with features \(card.layout.featureSetHash), not for \(view)")
    }
    var serving = Serving(target: target, version: version, featureSet: featureSet)
    serving.rebuild(recent)
    if let index = servings.firstIndex(where: { $0.target == target }) {
      servings[index] = serving
    } else {
      servings.append(serving)
    }
  }

  /// Forgets all candles; versions stay.
  package mutating func restart() {
    join = CandleJoin(view)
    latestAvailability = .distantPast
    refold([FeatureInput]())
  }

  /// Folds everything anew after `needsRebuild`, without deciding. What waits for its volumes goes on waiting.
  ///
  /// - Parameter candles: all of the view's as they stand, ascending.
  package mutating func rebuild(from candles: some Sequence<FeatureInput>) {
    refold(candles.lazy.filter { [join] in !join.isWaiting($0.openTime) })
  }

  private mutating func refold(_ candles: some Sequence<FeatureInput>) {
    features = RewindableFeatures()
    recent = RecentVectors(featureSet)
    for candle in candles {
      features.update(candle)
      recent.append(features.engine)
    }
    for index in servings.indices { servings[index].rebuild(recent) }
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
    while let step = join.next() { effect = effect.joined(by: fold(step)) }
    return effect
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

  /// Folds the next candle that follows from what was taken, and decides on it; `nil` when there is none.
  package mutating func next(into sink: inout some PipelineSink) -> Effect? {
    guard let step = join.next() else { return nil }
    let effect = fold(step)
    if effect == .folded { decide(into: &sink) }
    return effect
  }

  /// The newest feature vector, raw, in the order of the view's feature set; empty before the first candle.
  package var vector: [Float] { recent.newestVector }

  package var newestOpenTime: Timestamp? { features.engine.openTime }

  /// The version that answers for a target, as the last decision left it.
  package func bundle(of target: PredictionTarget) -> ModelBundle? {
    servings.first { $0.target == target }?.bundle
  }

  /// Where the target's window stands at the newest candle's close.
  package func windowState(of target: PredictionTarget) -> WindowState? {
    servings.first { $0.target == target }?.windowState
  }

  private mutating func fold(_ step: CandleJoin.Step) -> Effect {
    switch step {
    case .next(let candle, let time):
      latestAvailability = max(latestAvailability, time)
      features.update(candle)
      recent.append(features.engine)
      for index in servings.indices { servings[index].observe(recent) }
      return .folded
    case .late(let candle, let time):
      latestAvailability = max(latestAvailability, time)
      return amend(candle)
    case .forgotten(let openTime, let time):
      latestAvailability = max(latestAvailability, time)
      return .needsRebuild(from: openTime)
    }
  }

  private mutating func amend(_ candle: FeatureInput) -> Effect {
    var refolded = RecentVectors(featureSet)
    switch features.amend([candle], onUpdate: { refolded.append($0) }) {
    case .needsRebuild(let from): return .needsRebuild(from: from)
    case .refolded(let count):
      recent.replaceTail(with: refolded)
      for index in servings.indices { servings[index].rebuild(recent) }
      return .amended(candles: count)
    }
  }

  private mutating func decide(into sink: inout some PipelineSink) {
    guard let newest = features.engine.newest, newest.openTime.adding(minutes: 1) >= firstDecision,
      latestAvailability <= newest.openTime.adding(minutes: 1 + Self.latestDecisionMinutes)
    else { return }
    let isWarm = features.engine.candlesSinceRestart >= FeatureEngine.warmUpCandles
    for index in servings.indices where servings[index].isDue {
      let decision = Decision(
        time: newest.openTime.adding(minutes: 1), availableAt: latestAvailability, view: view,
        target: servings[index].target, featureSetHash: featureSetHash,
        inputHash: recent.inputHash(servings[index].windowState), mode: mode)
      servings[index].answer(decision, isWarm: isWarm, recent, into: &sink)
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
