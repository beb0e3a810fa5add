import Features
import Ingestion
import Market
import Models
import Pipeline
import Platform
import Serving
import Storage

/// Predicts on what a live feed seals, through the same pipeline as everything else.
final class LivePredictor {
  private var pipeline: PredictionPipeline
  private var sink = CollectingSink()
  /// Late truth from before everything that the pipeline keeps has come.
  private(set) var needsRebuild = false
  /// Of all predictions in order; equal for equal runs.
  private(set) var fingerprint = Fingerprint()
  private(set) var predictions = 0

  let view: MarketView
  /// Of the events taken last; empty unless asked for.
  private(set) var features: [FeatureRow] = []
  private let featureRows: FeatureRows?
  private var promoted: Set<PredictionTarget> = []
  /// `nil` where nothing is predicted between candles.
  private var ticks: TickStage?
  private var windows: WindowStage?

  /// - Parameter cachedTarget: every vector is kept as a row of `feature_cache`, with the scaling of this target's
  ///   production version; `nil` keeps none.
  init(
    view: MarketView, mode: Prediction.Mode, cachedTarget: PredictionTarget? = nil, cadence: TickCadence? = nil
  ) {
    self.view = view
    featureRows = cachedTarget.map { FeatureRows(view, $0) }
    pipeline = PredictionPipeline(view: view, mode: mode)
    ticks = cadence.map { TickStage(view, $0, mode: mode) }
    windows = cadence.map { WindowStage(view, $0, mode: mode) }
  }

  func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    pipeline.serve(target, with: version)
    windows?.serve(target, with: version)
    if version?.standing == .production { promoted.insert(target) } else { promoted.remove(target) }
  }

  /// Versions beside the one that answers for a target.
  func setArms(_ arms: [ServedArm<ServedVersion>], of target: PredictionTarget) {
    pipeline.setArms(arms, of: target)
    windows?.setArms(arms, of: target)
  }

  func serveTicks(_ version: ServedTickVersion?) { ticks?.serve(version) }

  func setTickArms(_ arms: [ServedArm<ServedTickVersion>]) { ticks?.setArms(arms) }

  /// Brings the pipeline up with what is stored, in the order in which a live reader had it.
  ///
  /// - Parameter now: hides what was stored later.
  /// - Returns: what was folded; `nil` if nothing is stored.
  func warmUp(from store: any Store, asOf now: Timestamp) throws -> LiveStart.History? {
    var history = Fingerprint()
    var candles = 0
    guard let first = try store.summary(of: pipeline.view.price)?.firstOpenTime, first < now else { return nil }
    try store.readEvents(pipeline.view, in: first..<now, asOf: now) { event in
      if case .needsRebuild = pipeline.fold(event) { needsRebuild = true }
      ticks?.take(event)
      windows?.take(event)
      history.combine(event)
      candles += 1
    }
    if needsRebuild { try rebuild(from: store, asOf: now) }
    return candles > 0 ? LiveStart.History(candles: candles, fingerprint: history.description) : nil
  }

  /// Predictions that follow from the time, and then from what a step of the core gave at it.
  func take(_ output: LiveOutput, now: Timestamp) -> [Prediction] {
    let between = takeTicks(output, now: now)
    return between + take(output.events, now: now)
  }

  /// Those of a moment that is due, which has seen nothing of what came now.
  func takeTicks(_ output: LiveOutput, now: Timestamp) -> [Prediction] {
    guard ticks != nil else { return [] }
    let start = SystemClock.monotonicNanoseconds()
    var made: [Prediction] = []
    if let point = ticks?.point(by: now) {
      made = ticks?.decide(on: point) ?? []
      made += windows?.decide(on: point, pipeline.closedMinute) ?? []
    }
    let latency = SystemClock.monotonicNanoseconds() - start
    follow(output, now: now)
    for place in made.indices {
      made[place].latencyNanoseconds = latency
      fingerprint.combine(made[place])
    }
    predictions += made.count
    return made
  }

  private func follow(_ output: LiveOutput, now: Timestamp) {
    for event in output.ticks {
      ticks?.take(event, at: now)
      windows?.take(event)
    }
    for record in output.batch.ticks where record.venue == view.price.venue { windows?.take(record.tick) }
    for event in output.events {
      ticks?.take(event)
      windows?.take(event)
    }
  }

  /// Predictions that follow from what became available.
  ///
  /// - Parameter now: prices that have waited long enough for their volumes are decided on without them.
  func take(_ events: [MarketEvent], now: Timestamp) -> [Prediction] {
    sink.start()
    features.removeAll()
    for event in events where pipeline.take(event) { foldAll() }
    pipeline.advance(to: now)
    foldAll()
    windows?.hold(sink.predictions)
    for prediction in sink.predictions { fingerprint.combine(prediction) }
    predictions += sink.predictions.count
    if !events.isEmpty { ticks?.prepare() }
    return sink.predictions
  }

  /// The newest vector; `nil` if there is none after `time`.
  func moment(after time: Timestamp?) -> FeatureMoment? {
    guard let newest = pipeline.newestOpenTime?.adding(minutes: 1), newest > time ?? .distantPast else { return nil }
    return FeatureMoment(time: newest, vector: pipeline.vector)
  }

  private func foldAll() {
    while true {
      let before = sink.predictions.count
      let start = SystemClock.monotonicNanoseconds()
      guard let effect = pipeline.next(into: &sink) else { return }
      sink.stamp(latencyNanoseconds: SystemClock.monotonicNanoseconds() - start, from: before)
      if case .needsRebuild = effect { needsRebuild = true }
      if effect == .folded, let row = featureRows?.newest(of: pipeline, isPromoted: isPromoted) { features.append(row) }
    }
  }

  private var isPromoted: Bool { featureRows.map { promoted.contains($0.target) } ?? false }

  private func rebuild(from store: any Store, asOf now: Timestamp) throws {
    try rebuild(in: try store.summary(of: view.price)?.period) { series, piece in
      try store.candles(series, in: piece, asOf: now).map(\.candle)
    }
  }

  /// Folds the candles as they stand anew.
  ///
  /// - Parameters:
  ///   - period: `nil` if there are none.
  ///   - candles: of a series in a piece of the period, ascending.
  func rebuild(
    in period: Range<Timestamp>?, _ candles: (Series, Range<Timestamp>) throws -> [Candle]
  ) throws {
    beginRebuild()
    for piece in MarketView.pieces(of: period) { rebuild(with: try view.joined { try candles($0, piece) }) }
    endRebuild()
  }

  func beginRebuild() { pipeline.beginRebuild() }

  /// - Parameter candles: the next of all, as they stand.
  func rebuild(with candles: JoinedCandles) { pipeline.rebuild(with: candles) }

  func endRebuild() {
    pipeline.endRebuild()
    needsRebuild = false
  }
}

extension Fingerprint {
  fileprivate mutating func combine(_ event: MarketEvent) {
    guard case .candle(_, let record) = event else { return }
    combine(UInt64(bitPattern: record.candle.openTime.microseconds))
    combine(UInt64(bitPattern: record.availableAt.microseconds))
    combine(UInt64(truncatingIfNeeded: record.candle.close.units))
  }

  /// Not its latency, and not whether it was made live or played back.
  mutating func combine(_ prediction: Prediction) {
    combine(UInt64(bitPattern: prediction.time.microseconds))
    combine(prediction.target.description)
    combine(prediction.modelName.rawValue)
    // Recordings of before there were arms keep their fingerprint.
    if prediction.arm != .main { combine("\(prediction.arm.rawValue) \(prediction.version)") }
    combine((prediction.answer ?? .nan).bitPattern)
    combine(prediction.inputHash)
  }
}
