import Features
import Market
import Models
import Pipeline
import Platform
import Storage

/// A pipeline fed from the store: everything before a period builds up its state, in the period it decides.
///
/// The fold always begins at the first stored candle, so that running averages are the same whatever the period.
struct HistoryRun: ~Copyable {
  private var history: LastingPipeline
  private let view: MarketView
  private let asOf: Timestamp

  init(view: MarketView, mode: Prediction.Mode, asOf: Timestamp = .distantFuture) {
    history = LastingPipeline(view: view, mode: mode)
    self.view = view
    self.asOf = asOf
  }

  mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    history.serve(target, with: version)
  }

  /// Calls `onDecision` after each candle that closes in `decisions`, with what was predicted at it.
  ///
  /// - Parameter decisions: decision times, half-open.
  mutating func run(
    _ decisions: Range<Timestamp>, from store: any Store,
    onCandle: (Int) throws -> Void = { _ in },
    onDecision: (borrowing PredictionPipeline, [Prediction]) throws -> Void
  ) throws {
    var sink = CollectingSink()
    var count = 0
    // A candle that closes at `upperBound` is not decided on.
    let end = decisions.upperBound == .distantFuture ? decisions.upperBound : decisions.upperBound.adding(minutes: -1)
    let start = try store.summary(of: view.price)?.firstOpenTime ?? .distantPast
    history.firstDecision = decisions.lowerBound
    func decide() throws {
      while try decideNext(&sink, decisions, onDecision) {}
    }
    try store.readEvents(view, in: start..<max(start, end), asOf: asOf) { event in
      count += 1
      if count.isMultiple(of: 1024) { try onCandle(count) }
      history.take(event)
      try decide()
    }
    history.advance(to: asOf)
    try decide()
    try onCandle(count)
  }

  /// False when nothing more follows from what was taken.
  private mutating func decideNext(
    _ sink: inout CollectingSink, _ decisions: Range<Timestamp>,
    _ onDecision: (borrowing PredictionPipeline, [Prediction]) throws -> Void
  ) throws -> Bool {
    sink.start()
    let start = SystemClock.monotonicNanoseconds()
    guard let effect = history.next(into: &sink) else { return false }
    sink.stamp(latencyNanoseconds: SystemClock.monotonicNanoseconds() - start)
    guard effect == .folded, let closeTime = history.pipeline.newestOpenTime?.adding(minutes: 1),
      closeTime >= decisions.lowerBound
    else { return true }
    try onDecision(history.pipeline, sink.predictions)
    return true
  }
}

/// Keeps the predictions of one event.
struct CollectingSink: PipelineSink {
  private(set) var predictions: [Prediction] = []

  mutating func start() { predictions.removeAll(keepingCapacity: true) }

  mutating func receive(_ prediction: Prediction) { predictions.append(prediction) }

  /// - Parameter first: index of the first prediction of the decision.
  mutating func stamp(latencyNanoseconds: Int64, from first: Int = 0) {
    for index in predictions.indices.dropFirst(first) { predictions[index].latencyNanoseconds = latencyNanoseconds }
  }
}
