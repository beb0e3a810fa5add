import Features
import Ingestion
import Market
import Pipeline
import Storage

/// A prediction pipeline that is fed as a live process feeds it.
final class Predictor {
  private struct Sink: PipelineSink {
    var predictions: [Prediction] = []
    mutating func receive(_ prediction: Prediction) { predictions.append(prediction) }
  }

  private var pipeline: PredictionPipeline
  private var sink = Sink()
  private var standing: [Timestamp: Candle] = [:]
  private var needsRebuild = false
  private var ticks: TickStage
  private var windows: WindowStage

  init(_ view: MarketView) {
    // Few, so that hours go by fast.
    let cadence = TickCadence(intervalMilliseconds: 20_000, maxInputAgeMilliseconds: 30_000)
    ticks = TickStage(view, cadence, mode: .live)
    windows = WindowStage(view, cadence, mode: .live)
    pipeline = PredictionPipeline(view: view, mode: .live)
    for target in [PredictionTarget.window(lengthMinutes: 15), .window(lengthMinutes: 5)] {
      pipeline.serve(target, with: nil)
    }
  }

  /// What is stored, without deciding.
  func warmUp(from store: some CandleStore, asOf now: Timestamp) throws {
    try store.readEvents(pipeline.view, in: .all, asOf: now) { event in
      keep(event)
      ticks.take(event)
      windows.take(event)
      if case .needsRebuild = pipeline.fold(event) { needsRebuild = true }
    }
    rebuildIfNeeded()
  }

  /// What is said between candles when a step is made, and before it.
  func takeTicks(_ output: LiveOutput, at now: Timestamp) -> [Prediction] {
    var said: [Prediction] = []
    if let point = ticks.point(by: now) {
      said = ticks.decide(on: point) + windows.decide(on: point, pipeline.closedMinute)
    }
    for event in output.ticks {
      ticks.take(event, at: now)
      windows.take(event)
    }
    for record in output.batch.ticks where record.venue == pipeline.view.price.venue { windows.take(record.tick) }
    for event in output.events {
      ticks.take(event)
      windows.take(event)
    }
    return said
  }

  /// What follows from events that came together.
  func take(_ events: [MarketEvent], now: Timestamp) -> [Prediction] {
    sink.predictions.removeAll(keepingCapacity: true)
    for event in events {
      keep(event)
      if case .needsRebuild = pipeline.step(event, into: &sink) { needsRebuild = true }
    }
    rebuildIfNeeded()
    windows.hold(sink.predictions)
    return sink.predictions
  }

  private func keep(_ event: MarketEvent) {
    guard case .candle(let series, let record) = event, series == pipeline.view.price else { return }
    standing[record.candle.openTime] = record.candle
  }

  private func rebuildIfNeeded() {
    guard needsRebuild else { return }
    needsRebuild = false
    let candles = standing.values.sorted { $0.openTime < $1.openTime }
    pipeline.beginRebuild()
    pipeline.rebuild(with: JoinedCandles(prices: candles, volumes: nil))
    pipeline.endRebuild()
  }
}

/// What tells one prediction from another, and what it says.
struct Said: Hashable {
  struct Question: Hashable {
    let time: Timestamp
    let target: PredictionTarget
    let model: ModelName
  }

  let question: Question
  let availableAt: Timestamp
  let probabilityUp: UInt64?
  let inputHash: UInt64
  let forecast: PriceForecast?
  let state: String

  init(_ prediction: Prediction) {
    question = Question(time: prediction.time, target: prediction.target, model: prediction.modelName)
    forecast = prediction.forecast
    availableAt = prediction.availableAt
    probabilityUp = prediction.probabilityUp?.bitPattern
    (inputHash, state) = (prediction.inputHash, prediction.state)
  }
}
