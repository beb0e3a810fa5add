import Features
import Ingestion
import Market
import Models
import Operations
import Pipeline
import Platform
import Redis
import Storage
import Streams

/// Decides on the feature vectors that another process has made, and stores the predictions.
final class PredictRole {
  private let context: CommandContext
  private let writer: LiveWriter
  private let cache: FeatureCache?
  private let inferenceLog: InferenceLog
  private var stage: DecisionStage?
  /// What answers, by target.
  private var versions: [PredictionTarget: ServedVersion?] = [:]
  let models: ModelWatch
  private(set) var predictions = 0
  private(set) var fingerprint = Fingerprint()

  init(_ context: CommandContext, writer: LiveWriter, cache: FeatureCache?) throws {
    (self.context, self.writer, self.cache) = (context, writer, cache)
    inferenceLog = InferenceLog(folder: context.logFolder)
    for (target, version) in try context.answering(context.view) { versions.updateValue(version, forKey: target) }
    models = ModelWatch(
      context, context.view, serving: versions.map { LiveStart.ServedTarget($0, .candles($1)) }, LiveStatus())
  }

  func take(_ input: RoleInput) async throws {
    guard case .deliveries(let deliveries) = input else { return }
    for delivery in deliveries {
      guard case .features(let event) = try StreamEvent(json: delivery.record.body) else { continue }
      try await take(event)
    }
    try await writer.flush()
  }

  private func take(_ event: FeatureEvent) async throws {
    for change in models.take() { adopt(change) }
    let set = FeatureSet.of(context.view)
    guard event.view == context.view, event.featureSetHash == set.hash.description else {
      throw CommandError(
        .badData,
        "features of \(event.view) (set \(event.featureSetHash)) come, and \(context.view) (set \(set.hash)) is wanted: "
          + "let both roles have the same version and the same market.view")
    }
    if stage == nil { stage = try warmUp(at: event.momentBefore, event.source) }
    if isRepeated(event) { return }
    var sink = CollectingSink()
    sink.start()
    let start = SystemClock.monotonicNanoseconds()
    guard stage?.step(event.update, into: &sink) == true else {
      stage = try warmUp(at: event.momentAfter, event.source)
      return
    }
    sink.stamp(latencyNanoseconds: SystemClock.monotonicNanoseconds() - start, from: 0)
    try await keep(sink.predictions, of: event)
  }

  private func adopt(_ change: ModelWatch.Change) {
    guard case .candles(let version) = change.answer else { return }
    versions.updateValue(version, forKey: change.served.target)
    stage?.serve(change.served.target, with: version)
    context.log.write(.info, "models", change.served.sentence)
  }

  /// A minute that was decided on comes again after a crash of the one who sent it.
  private func isRepeated(_ event: FeatureEvent) -> Bool {
    guard case .next(let point, _, _) = event.update, let newest = stage?.newestOpenTime else { return false }
    return point.candle.openTime <= newest
  }

  private func keep(_ made: [Prediction], of event: FeatureEvent) async throws {
    guard !made.isEmpty else { return }
    var batch = LiveBatch(knownAt: event.knownAt)
    batch.predictions = made
    try await writer.submit(batch)
    try inferenceLog.append(made)
    predictions += made.count
    for prediction in made { fingerprint.combine(prediction) }
    guard case .next(let point, _, _) = event.update else { return }
    for prediction in made where prediction.modelName == .ensemble || prediction.modelName == .baseline {
      _ = await cache?.store(CachedPrediction(prediction, price: point.candle.close, knownAt: event.knownAt))
    }
  }

  /// A stage that has seen what was stored by then.
  private func warmUp(at moment: StoredMoment, _ source: String) throws -> DecisionStage {
    var pipeline = PredictionPipeline(view: context.view, mode: source == RoleSource.replay ? .replay : .live)
    for target in PredictionTarget.all {
      if let version = versions[target] { pipeline.serve(target, with: version) }
    }
    let store = try context.openForReading()
    var needsRebuild = false
    try store.readEvents(context.view, at: moment) { candle in
      if case .needsRebuild = pipeline.fold(candle) { needsRebuild = true }
    }
    if needsRebuild { pipeline.rebuild(from: try store.joinedCandles(of: context.view, at: moment)) }
    return pipeline.decisionStage()
  }
}

extension FeatureEvent {
  /// Before the candle was stored that it follows from.
  fileprivate var momentBefore: StoredMoment { StoredMoment(knownAt: knownAt, nextOpenTime: causeOpenTime) }

  fileprivate var momentAfter: StoredMoment {
    StoredMoment(knownAt: knownAt, nextOpenTime: causeOpenTime.adding(minutes: 1))
  }
}

extension CachedPrediction {
  init(_ prediction: Prediction, price: Double, knownAt: Timestamp) {
    self.init(
      symbol: prediction.view.price.symbol, timestamp: prediction.time, currentPrice: price,
      predictedPrice: prediction.changePercent.map { price * (1 + $0 / 100) },
      horizonSeconds: Int64(prediction.target.horizonSeconds), confidence: prediction.confidence,
      modelVersion: prediction.version,
      featuresAgeMilliseconds: max(0, (knownAt.microseconds - prediction.availableAt.microseconds) / 1000),
      latencyMilliseconds: prediction.latencyNanoseconds / 1_000_000, source: "redis")
  }
}
