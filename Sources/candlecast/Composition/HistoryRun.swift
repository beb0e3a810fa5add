import Features
import Market
import Models
import Pipeline
import Storage

/// A pipeline fed from the store: everything before a period builds up its state, in the period it decides.
///
/// The fold always begins at the first stored candle, so that running averages are the same whatever the period.
struct HistoryRun: ~Copyable {
  private(set) var pipeline: PredictionPipeline
  private let series: Series
  private let asOf: Timestamp
  /// Everything taken so far, to fold anew after late truth from before what the pipeline keeps.
  private var taken: [CandleRecord] = []

  init(view: MarketView, mode: Prediction.Mode, asOf: Timestamp = .distantFuture) {
    pipeline = PredictionPipeline(view: view, mode: mode)
    series = view.price
    self.asOf = asOf
  }

  mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    pipeline.serve(target, with: version)
  }

  /// Calls `onDecision` after each candle that closes in `decisions`, with what was predicted at it.
  ///
  /// - Parameter decisions: decision times, half-open.
  mutating func run(
    _ decisions: Range<Timestamp>, from store: DuckDBStore,
    onCandle: (Int) throws -> Void = { _ in },
    onDecision: (borrowing PredictionPipeline, [Prediction]) throws -> Void
  ) throws {
    var sink = CollectingSink()
    var count = 0
    // A candle that closes at `upperBound` is not decided on.
    let end = decisions.upperBound == .distantFuture ? decisions.upperBound : decisions.upperBound.adding(minutes: -1)
    try store.readEvents(series, before: end, asOf: asOf) { record in
      count += 1
      if count.isMultiple(of: 1024) { try onCandle(count) }
      guard record.candle.closeTime >= decisions.lowerBound else { return fold(record) }
      sink.start()
      let start = SystemClock.nanoseconds()
      let effect = pipeline.step(.candle(series, record), into: &sink)
      sink.stamp(latencyNanoseconds: SystemClock.nanoseconds() - start)
      taken.append(record)
      if case .needsRebuild = effect { rebuild() }
      if effect == .folded { try onDecision(pipeline, sink.predictions) }
    }
    try onCandle(count)
  }

  private mutating func fold(_ record: CandleRecord) {
    let effect = pipeline.fold(.candle(series, record))
    taken.append(record)
    if case .needsRebuild = effect { rebuild() }
  }

  private mutating func rebuild() {
    pipeline.restart()
    var newest: [Timestamp: CandleRecord] = [:]
    for record in taken { newest[record.candle.openTime] = record }
    for record in newest.values.sorted(by: { $0.candle.openTime < $1.candle.openTime }) {
      _ = pipeline.fold(.candle(series, record))
    }
  }
}

/// Keeps the predictions of one event.
struct CollectingSink: PipelineSink {
  private(set) var predictions: [Prediction] = []

  mutating func start() { predictions.removeAll(keepingCapacity: true) }

  mutating func receive(_ prediction: Prediction) { predictions.append(prediction) }

  mutating func stamp(latencyNanoseconds: Int64) {
    for index in predictions.indices { predictions[index].latencyNanoseconds = latencyNanoseconds }
  }
}
