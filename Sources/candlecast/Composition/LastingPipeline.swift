import Features
import Market
import Models
import Pipeline

/// A pipeline that late truth of any age can reach: a change older than what it keeps makes it fold everything anew.
struct LastingPipeline: ~Copyable {
  private(set) var pipeline: PredictionPipeline
  private var taken: [MarketEvent] = []

  init(view: MarketView, mode: Prediction.Mode) { pipeline = PredictionPipeline(view: view, mode: mode) }

  mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    pipeline.serve(target, with: version)
  }

  /// Decisions before it are not made.
  var firstDecision: Timestamp {
    get { pipeline.firstDecision }
    set { pipeline.firstDecision = newValue }
  }

  /// Takes an event of the view; what follows from it comes from `next`.
  mutating func take(_ event: MarketEvent) {
    taken.append(event)
    _ = pipeline.take(event)
  }

  mutating func advance(to time: Timestamp) { pipeline.advance(to: time) }

  /// Folds what follows next from the events taken and decides on it; `nil` when nothing follows.
  mutating func next(into sink: inout some PipelineSink) -> PredictionPipeline.Effect? {
    let effect = pipeline.next(into: &sink)
    if case .needsRebuild = effect {
      pipeline.beginRebuild()
      pipeline.rebuild(with: taken.joined(in: pipeline.view))
      pipeline.endRebuild()
    }
    return effect
  }
}

extension [MarketEvent] {
  /// The candles of a view as they stand after these events, by open time.
  func joined(in view: MarketView) -> JoinedCandles {
    JoinedCandles(
      prices: newestVersions(of: view.price).map(\.candle),
      volumes: view.volume.map { newestVersions(of: $0).map(\.candle) })
  }

  /// Of each minute of a series the version that stands last, by open time.
  func newestVersions(of series: Series) -> [CandleRecord] {
    var newest: [Timestamp: CandleRecord] = [:]
    for case .candle(series, let record) in self { newest[record.candle.openTime] = record }
    return newest.values.sorted { $0.candle.openTime < $1.candle.openTime }
  }

  /// In the order in which a live reader had them.
  var byAvailability: [MarketEvent] { sorted { $0.precedes($1) } }
}
