import Features
import Ingestion
import Market
import Operations
import Pipeline
import Redis
import Storage
import Streams

/// Makes feature vectors of the candles that another process has stored, and points of what it was told between them.
final class FeatureRole {
  private let context: CommandContext
  private let output: any EventStream
  private let cache: FeatureCache?
  private var stage: FeatureStage
  /// What was stored before the first event is folded.
  private var isReady = false
  private var last: CandleEvent?
  private var points: RolePoints
  private var held = HeldDeliveries()
  /// Of the newest point in the cache.
  private var lastCached = Timestamp.distantPast
  private(set) var candles = 0
  private(set) var vectors = 0
  private(set) var pointsTold = 0

  init(_ context: CommandContext, output: any EventStream, cache: FeatureCache?) {
    (self.context, self.output, self.cache) = (context, output, cache)
    stage = FeatureStage(context.view)
    points = RolePoints(context.view)
  }

  /// - Returns: what need not come again.
  func take(_ input: RoleInput) async throws -> [Delivery] {
    switch input {
    case .deliveries(let deliveries):
      var done: [Delivery] = []
      for delivery in deliveries {
        switch try StreamEvent(json: delivery.record.body) {
        case .candle(let event): try await take(event)
        case .ticks(let batch):
          guard try await take(batch) else {
            held.pass(delivery)
            continue
          }
          held.hold(delivery, at: batch.range.upperBound)
          held.release(before: points.until.adding(microseconds: -RolePoints.reachMicroseconds))
          continue
        default: break
        }
        done.append(delivery)
      }
      try await output.flush()
      return done + held.takeReleased()
    case .tick(let now):
      // What is played back has no clock but its events.
      guard let last, last.source != RoleSource.replay else { return [] }
      stage.advance(to: now)
      try await publish(after: last, ordinal: 1000)
      return []
    }
  }

  // MARK: Candles

  private func take(_ event: CandleEvent) async throws {
    candles += 1
    if !isReady { try fold(at: .before(event)) }
    isReady = true
    last = event
    guard stage.take(.candle(event.series, event.record)) else { return }
    try await publish(after: event, ordinal: 0)
  }

  private func publish(after event: CandleEvent, ordinal: Int) async throws {
    var ordinal = ordinal
    while let update = stage.nextUpdate() {
      let made = FeatureEvent(
        view: stage.view, featureSetHash: stage.featureSet.hash.description, update: update,
        knownAt: event.record.knownAt, cause: StreamEvent.candle(event).record.id,
        causeOpenTime: event.record.candle.openTime, ordinal: ordinal, source: event.source)
      try await output.publish([StreamEvent.features(made).record])
      vectors += 1
      ordinal += 1
      switch update {
      case .next(let vector, _, _):
        // Where there are points of the tick cadence, the key is theirs.
        guard pointsTold == 0 else { break }
        _ = await cache?.store(FeaturePoint(vector.candle, of: stage.view.price.symbol))
      case .amended: break
      case .needsRebuild: try rebuild(at: .after(event))
      }
    }
  }

  private func fold(at moment: StoredMoment) throws {
    var needsRebuild = false
    try context.openForReading().readEvents(stage.view, at: moment) { event in
      if stage.fold(event) { needsRebuild = true }
    }
    if needsRebuild { try rebuild(at: moment) }
  }

  private func rebuild(at moment: StoredMoment) throws {
    stage.beginRebuild()
    try context.openForReading().readStanding(stage.view, at: moment) { stage.rebuild(with: $0) }
  }
}

extension FeatureRole {
  /// - Returns: false for one that has been taken already.
  private func take(_ batch: TickBatch) async throws -> Bool {
    let series = context.view.tradedSeries
    guard batch.series == series else {
      throw CommandError(
        .badData,
        "what happens between candles of \(batch.series) comes, and of \(series) is wanted: let both roles have the same "
          + "market.view")
    }
    let outcome = try points.take(batch) { moment, body in
      try context.openForReading().readEvents(context.view, at: moment, body)
    }
    guard let outcome else { return false }
    if let beginning = outcome.beginning {
      // Nothing reaches back to before it.
      held.release(before: .distantFuture)
      await note(beginning, batch)
    }
    guard let point = outcome.point else { return true }
    pointsTold += 1
    let event = PointEvent(
      view: context.view, cadence: batch.cadence, run: batch.run, point: point, windows: outcome.windows,
      source: batch.source)
    try await output.publish([StreamEvent.point(event).record])
    // Points that are made once more while windows fill are older than what stands there.
    guard let cache, point.inputs.time > lastCached else { return true }
    lastCached = point.inputs.time
    _ = await cache.store(FeaturePoint(point, of: context.view.price.symbol))
    return true
  }

  private func note(_ beginning: RolePoints.Beginning, _ batch: TickBatch) async {
    switch beginning {
    case .run: lastCached = .distantPast
    case .takeover:
      lastCached = await newestCached(at: batch.range.upperBound)
      context.log.write(.info, "features", "points begin at \(batch.range.lowerBound), amid a run: \(Self.filling)")
    case .hole:
      context.log.write(
        .warning, "features",
        "of what happened between candles before \(batch.range.lowerBound) something is missing: \(Self.filling)")
    }
  }

  private static let filling = "windows are whole again when a quarter of an hour has come"

  private func newestCached(at time: Timestamp) async -> Timestamp {
    switch await cache?.features(context.view.price.symbol, now: time) {
    case .fresh(let points, _)?, .stale(let points, _)?: points.map(\.timestamp).max() ?? .distantPast
    default: .distantPast
    }
  }
}

/// How a candle came to a stream.
enum RoleSource {
  static let live = "stream"
  static let replay = "replay"
}

extension FeaturePoint {
  /// What a minute's candle tells at its close; the rest is not known from it.
  fileprivate init(_ candle: FeatureInput, of symbol: Symbol) {
    func known(_ value: Double) -> Double? { value.isFinite ? value : nil }
    self.init(symbol: symbol, timestamp: candle.openTime.adding(minutes: 1))
    price = known(candle.close)
    volume = known(candle.volume)
    vwap = candle.volume > 0 ? known(candle.quoteVolume / candle.volume) : nil
    priceChange1m = known((candle.close - candle.open) / candle.open)
    tradeIntensity = known(candle.trades / 60)
  }
}
