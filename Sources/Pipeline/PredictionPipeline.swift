internal import Features
package import Market
package import Models

/// Takes what a pipeline gives out.
package protocol PipelineSink {
  mutating func receive(_ prediction: Prediction)
}

/// The one fold from market events to predictions: live, replay and backtest are the same sequence of `step`.
///
/// It has no clock, no I/O and no randomness; whatever can change a prediction enters as an event.
package struct PredictionPipeline: ~Copyable {
  /// What an event did.
  package enum Effect: Hashable, Sendable {
    /// A series that this view does not read.
    case ignored
    /// The next candle.
    case folded
    /// Late truth: the state was put right; predictions already made stay.
    case amended(candles: Int)
    /// Late truth from before everything kept: fold the series anew from the store.
    case needsRebuild(from: Timestamp)
  }

  package let view: MarketView
  private let mode: Prediction.Mode
  private let featureSetHash: String
  private var features = RewindableFeatures()
  private var recent = RecentVectors()
  private var servings: [Serving] = []
  private var latestAvailability = Timestamp.distantPast

  package init(view: MarketView, mode: Prediction.Mode) {
    self.view = view
    self.mode = mode
    featureSetHash = FeatureSet.candles.hash.description
  }

  /// Starts, replaces or (with `nil`) withdraws the version that answers for a target. Without one the baseline answers.
  package mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    var serving = Serving(target: target, version: version)
    serving.rebuild(recent)
    if let index = servings.firstIndex(where: { $0.target == target }) {
      servings[index] = serving
    } else {
      servings.append(serving)
    }
  }

  /// Forgets all candles; versions stay.
  package mutating func restart() {
    features = RewindableFeatures()
    recent = RecentVectors()
    latestAvailability = .distantPast
    for index in servings.indices { servings[index].rebuild(recent) }
  }

  /// Folds an event and makes the decisions that follow from it.
  package mutating func step(_ event: borrowing MarketEvent, into sink: inout some PipelineSink) -> Effect {
    let effect = fold(event)
    if effect == .folded { decide(into: &sink) }
    return effect
  }

  /// Folds an event without deciding, to bring the pipeline up to where decisions begin.
  package mutating func fold(_ event: borrowing MarketEvent) -> Effect {
    switch event {
    case .candle(let series, let record):
      guard series == view.price else { return .ignored }
      latestAvailability = max(latestAvailability, record.availableAt)
      return fold(FeatureInput(record.candle))
    }
  }

  /// The newest feature vector, raw, in the order of `FeatureSet.candles`; empty before the first candle.
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

  private mutating func fold(_ candle: FeatureInput) -> Effect {
    guard features.engine.openTime.map({ candle.openTime > $0 }) ?? true else { return amend(candle) }
    features.update(candle)
    recent.append(features.engine)
    for index in servings.indices { servings[index].observe(recent) }
    return .folded
  }

  private mutating func amend(_ candle: FeatureInput) -> Effect {
    var refolded = RecentVectors()
    switch features.amend([candle], onUpdate: { refolded.append($0) }) {
    case .needsRebuild(let from): return .needsRebuild(from: from)
    case .refolded(let count):
      recent.replaceTail(with: refolded)
      for index in servings.indices { servings[index].rebuild(recent) }
      return .amended(candles: count)
    }
  }

  private mutating func decide(into sink: inout some PipelineSink) {
    guard let newest = features.engine.newest else { return }
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
