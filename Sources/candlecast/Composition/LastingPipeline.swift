import Market
import Models
import Pipeline

/// A pipeline that late truth of any age can reach: a change older than what it keeps makes it fold everything anew.
struct LastingPipeline: ~Copyable {
  private(set) var pipeline: PredictionPipeline
  private var taken: [CandleRecord] = []

  init(view: MarketView, mode: Prediction.Mode) { pipeline = PredictionPipeline(view: view, mode: mode) }

  mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    pipeline.serve(target, with: version)
  }

  /// Folds a candle of the view's prices and decides.
  mutating func step(_ record: CandleRecord, into sink: inout some PipelineSink) -> PredictionPipeline.Effect {
    taken.append(record)
    let effect = pipeline.step(.candle(pipeline.view.price, record), into: &sink)
    if case .needsRebuild = effect { rebuild() }
    return effect
  }

  /// Folds a candle of the view's prices without deciding.
  mutating func fold(_ record: CandleRecord) {
    taken.append(record)
    let effect = pipeline.fold(.candle(pipeline.view.price, record))
    if case .needsRebuild = effect { rebuild() }
  }

  private mutating func rebuild() {
    pipeline.restart()
    for record in taken.newestVersions { _ = pipeline.fold(.candle(pipeline.view.price, record)) }
  }
}

extension [CandleRecord] {
  /// Of each minute the version that stands last, by open time.
  var newestVersions: [CandleRecord] {
    var newest: [Timestamp: CandleRecord] = [:]
    for record in self { newest[record.candle.openTime] = record }
    return newest.values.sorted { $0.candle.openTime < $1.candle.openTime }
  }

  /// In the order in which a live reader had them.
  var byAvailability: [CandleRecord] { sorted { $0.precedes($1) } }
}
