import Features
import Ingestion
import Market
import Operations
import Pipeline
import Redis
import Storage
import Streams

/// Makes feature vectors of the candles that another process has stored.
final class FeatureRole {
  private let context: CommandContext
  private let output: any EventStream
  private let cache: FeatureCache?
  private var stage: FeatureStage
  /// What was stored before the first event is folded.
  private var isReady = false
  private var last: CandleEvent?
  private(set) var candles = 0
  private(set) var vectors = 0

  init(_ context: CommandContext, output: any EventStream, cache: FeatureCache?) {
    (self.context, self.output, self.cache) = (context, output, cache)
    stage = FeatureStage(context.view)
  }

  func take(_ input: RoleInput) async throws {
    switch input {
    case .deliveries(let deliveries):
      for delivery in deliveries { try await take(delivery) }
      try await output.flush()
    case .tick(let now):
      // What is played back has no clock but its events.
      guard let last, last.source != RoleSource.replay else { return }
      stage.advance(to: now)
      try await publish(after: last, ordinal: 1000)
    }
  }

  private func take(_ delivery: Delivery) async throws {
    guard case .candle(let event) = try StreamEvent(json: delivery.record.body) else { return }
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
      case .next(let vector, _, _): _ = await cache?.store(FeaturePoint(vector.candle, of: stage.view.price.symbol))
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
    stage.rebuild(from: try context.openForReading().joinedCandles(of: stage.view, at: moment))
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
