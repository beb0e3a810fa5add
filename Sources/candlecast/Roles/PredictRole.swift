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

/// Decides on the feature vectors and points that another process has made, and stores the predictions.
final class PredictRole {
  private let context: CommandContext
  private let writer: LiveWriter
  private let cache: FeatureCache?
  private let inferenceLog: InferenceLog
  private var stage: DecisionStage?
  /// What answers, by target.
  private var versions: [PredictionTarget: ServedVersion?] = [:]
  private let arms: ModelArms
  private var ticks: RoleDecisions
  private var held = HeldDeliveries()
  /// When the newest candle was stored that was decided on.
  private var knownAt = Timestamp.distantPast
  private var storedCloses = StoredTimes()
  /// What is told of one that did not come, told once.
  private var isWithoutPoints = false
  let models: ModelWatch
  private(set) var predictions = 0
  private(set) var fingerprint = Fingerprint()

  var points: Int { ticks.decided }
  /// Points that came when it had been said already that none had come.
  var latePoints: Int { ticks.late }

  init(_ context: CommandContext, writer: LiveWriter, cache: FeatureCache?) throws {
    (self.context, self.writer, self.cache) = (context, writer, cache)
    inferenceLog = InferenceLog(folder: context.logFolder)
    for (target, version) in try context.answering(context.view) { versions.updateValue(version, forKey: target) }
    arms = try ModelArms(context, context.view)
    for sentence in arms.sentences { context.log.write(.info, "models", sentence) }
    let tickVersion = try context.servedTickVersion(context.view)
    ticks = RoleDecisions(context.view, tickVersion, carrier: RoleStreams(context: context).kind)
    for (target, version) in versions { ticks.serve(target, with: version) }
    for (target, beside) in arms.served { ticks.setArms(beside, of: target) }
    ticks.setTickArms(arms.ticks)
    let served = versions.map { LiveStart.ServedTarget($0, .candles($1)) }
    models = ModelWatch(
      context, context.view, serving: served + [LiveStart.ServedTarget(TickDecisions.target, .ticks(tickVersion))],
      LiveStatus())
  }

  /// - Returns: what need not come again.
  func take(_ input: RoleInput) async throws -> [Delivery] {
    switch input {
    case .deliveries(let deliveries):
      var done: [Delivery] = []
      for delivery in deliveries {
        for change in models.take() { adopt(change) }
        switch try StreamEvent(json: delivery.record.body) {
        case .features(let event):
          try await take(event)
          held.hold(delivery, at: event.knownAt)
        case .point(let event):
          try await take(event)
          if ticks.isRepeated {
            held.pass(delivery)
          } else {
            held.hold(delivery, at: event.point.inputs.time)
          }
        default: done.append(delivery)
        }
        let newest = max(ticks.newest, knownAt)
        held.release(before: newest.adding(microseconds: -RolePoints.reachMicroseconds))
      }
      try await writer.flush()
      return done + held.takeReleased()
    case .tick(let now):
      try await lookForPoint(at: now)
      return []
    }
  }

  // MARK: Candles

  private func take(_ event: FeatureEvent) async throws {
    let set = FeatureSet.of(context.view)
    guard event.view == context.view, event.featureSetHash == set.hash.description else {
      throw CommandError(
        .badData,
        "features of \(event.view) (set \(event.featureSetHash)) come, and \(context.view) (set \(set.hash)) is wanted: "
          + "let both roles have the same version and the same market.view")
    }
    if stage == nil { stage = try warmUp(at: event.momentBefore, event.source) }
    knownAt = max(knownAt, event.knownAt)
    if isRepeated(event) { return }
    var sink = CollectingSink()
    sink.start()
    let start = SystemClock.monotonicNanoseconds()
    guard stage?.step(event.update, into: &sink) == true else {
      stage = try warmUp(at: event.momentAfter, event.source)
      return
    }
    sink.stamp(latencyNanoseconds: SystemClock.monotonicNanoseconds() - start, from: 0)
    ticks.hold(sink.predictions, knownAt: event.knownAt)
    if try isStored(sink.predictions) { return }
    try await keep(sink.predictions, of: event)
  }

  private func adopt(_ change: ModelWatch.Change) {
    switch change.answer {
    case .candles(let version):
      versions.updateValue(version, forKey: change.served.target)
      stage?.serve(change.served.target, with: version)
      ticks.serve(change.served.target, with: version)
    case .ticks(let version): ticks.serve(version)
    }
    context.log.write(.info, "models", change.served.sentence)
  }

  /// A minute that was decided on comes again after a crash of the one who sent it.
  private func isRepeated(_ event: FeatureEvent) -> Bool {
    guard case .next(let point, _, _) = event.update, let newest = stage?.newestOpenTime else { return false }
    return point.candle.openTime <= newest
  }

  /// A minute comes again to who takes over, so that what follows is decided on as if nobody had died.
  private func isStored(_ made: [Prediction]) throws -> Bool {
    guard let first = made.first else { return false }
    return try storedCloses.contains(first.time) { range in
      try storedTimes(PredictionFilter(range: range, view: context.view, mode: first.mode), isOfTicks: false)
    }
  }

  private func storedTimes(_ filter: PredictionFilter, isOfTicks: Bool) throws -> Set<Timestamp> {
    var times: Set<Timestamp> = []
    try context.openForReading().readPredictions(filter) { rows in
      for row in rows where row.target.isOfTicks == isOfTicks { times.insert(row.time) }
    }
    return times
  }

  private func keep(_ made: [Prediction], of event: FeatureEvent) async throws {
    guard !made.isEmpty else { return }
    try await store(made, knownAt: event.knownAt)
    // Where there is something to say between candles, the key is for that.
    guard ticks.decided == 0, case .next(let point, _, _) = event.update else { return }
    for prediction in made.filter(\.isServed)
    where prediction.modelName == .ensemble || prediction.modelName == .baseline {
      _ = await cache?.store(CachedPrediction(prediction, price: point.candle.close, knownAt: event.knownAt))
    }
  }

  private func store(_ made: [Prediction], knownAt: Timestamp) async throws {
    var batch = LiveBatch(knownAt: knownAt)
    batch.predictions = made
    try await writer.submit(batch)
    try inferenceLog.append(made.filter(\.isServed))
    predictions += made.count
    for prediction in made { fingerprint.combine(prediction) }
  }

  /// A stage that has seen what was stored by then.
  private func warmUp(at moment: StoredMoment, _ source: String) throws -> DecisionStage {
    var pipeline = PredictionPipeline(view: context.view, mode: source == RoleSource.replay ? .replay : .live)
    for target in PredictionTarget.all {
      if let version = versions[target] { pipeline.serve(target, with: version) }
    }
    for (target, served) in arms.served { pipeline.setArms(served, of: target) }
    let store = try context.openForReading()
    var needsRebuild = false
    try store.readEvents(context.view, at: moment) { candle in
      if case .needsRebuild = pipeline.fold(candle) { needsRebuild = true }
    }
    if needsRebuild {
      pipeline.beginRebuild()
      try store.readStanding(context.view, at: moment) { pipeline.rebuild(with: $0) }
      pipeline.endRebuild()
    }
    return pipeline.decisionStage()
  }
}

// MARK: Points

extension PredictRole {
  private func take(_ event: PointEvent) async throws {
    guard event.view == context.view else {
      throw CommandError(
        .badData,
        "points of \(event.view) come, and \(context.view) is wanted: let both roles have the same market.view")
    }
    if stage == nil { stage = try warmUp(at: .before(event), event.source) }
    let start = SystemClock.monotonicNanoseconds()
    let made = try ticks.decide(on: event, stage?.closedMinute) { range, mode in
      try storedTimes(
        PredictionFilter(range: range, view: context.view, target: TickDecisions.target, mode: mode), isOfTicks: true)
    }
    // No decision reaches back to before its run.
    if ticks.beginsRun { held.release(before: event.run) }
    if isWithoutPoints { context.log.write(.info, "predict", "points come again") }
    isWithoutPoints = false
    try await keep(made, latencyNanoseconds: SystemClock.monotonicNanoseconds() - start)
  }

  /// Where none has come for too long, the cache is looked at, and what it has or lacks is told.
  private func lookForPoint(at now: Timestamp) async throws {
    guard let moment = ticks.overdueMoment(at: now) else { return }
    let reading = await cache?.features(context.view.price.symbol, now: now)
    let start = SystemClock.monotonicNanoseconds()
    let made = ticks.decide(on: reading, at: moment, now: now)
    if !isWithoutPoints { context.log.write(.warning, "predict", "no points come: \(made.first?.reason ?? "")") }
    isWithoutPoints = true
    try await keep(made, latencyNanoseconds: SystemClock.monotonicNanoseconds() - start)
    try await writer.flush()
  }

  private func keep(_ made: [Prediction], latencyNanoseconds: Int64) async throws {
    guard let answer = made.first else { return }
    var stamped = made
    for place in stamped.indices { stamped[place].latencyNanoseconds = latencyNanoseconds }
    try await store(stamped, knownAt: answer.availableAt)
    _ = await cache?.store(CachedPrediction(stamped[0]))
  }
}

extension CachedPrediction {
  fileprivate init(_ prediction: Prediction) {
    self.init(
      symbol: prediction.view.price.symbol, timestamp: prediction.time, currentPrice: prediction.forecast?.current,
      predictedPrice: prediction.forecast?.predicted, horizonSeconds: Int64(prediction.target.horizonSeconds),
      confidence: prediction.confidence, modelVersion: prediction.version,
      featuresAgeMilliseconds: prediction.forecast?.inputAgeMilliseconds ?? 0,
      latencyMilliseconds: prediction.latencyNanoseconds / 1_000_000,
      source: prediction.forecast?.source.rawValue ?? "", state: prediction.state)
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
