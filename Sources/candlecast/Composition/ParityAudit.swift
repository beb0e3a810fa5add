import Features
import Market
import Pipeline

/// Whether all ways from candles to vectors and predictions give the bits that folding one by one gives.
struct ParityAudit {
  private static let restarts = 8

  let view: MarketView
  let target: PredictionTarget
  /// `nil`: the baseline answers.
  let version: ServedVersion?
  let seed: UInt64
  /// All versions that are stored of a stretch.
  let records: [CandleRecord]
  var shouldStop: @Sendable () -> Bool = { false }

  /// The minutes of the stretch as they stand last.
  var candles: [FeatureInput] { records.byAvailability.newestVersions.map { FeatureInput($0.candle) } }

  /// `progress` is told the parts done, from 0 to 1.
  func run(progress: (Double) -> Void = { _ in }) throws -> ParityReport {
    let candles = candles
    var ways: [ParityReport.Way] = []
    func add(_ way: ParityReport.Way) {
      ways.append(way)
      progress(Double(ways.count) / 4)
    }
    add(try batch(of: candles))
    add(try restarted(candles))
    add(try session("replayed", records.byAvailability))
    add(try session("holes patched late", LateSession.events(of: records.byAvailability.newestVersions, seed: seed)))
    return ParityReport(candles: candles.count, ways: ways)
  }

  /// All at once, in blocks.
  func batch(of candles: [FeatureInput]) throws -> ParityReport.Way {
    var way = ParityReport.Way("batch")
    var plain = PlainFold(voice)
    var voice = voice
    var reference = self.candles.makeIterator()
    var engine = FeatureEngine()
    engine.fold(candles) { candle, values in
      guard let truth = reference.next() else { return }
      plain.take(truth)
      let vector = values.indices.map { values[$0] }
      voice.observe(vector, candle)
      way.compareVectors(at: truth.closeTime, expected: plain.vector, actual: vector)
      way.comparePredictions(
        at: truth.closeTime, expected: plain.answers(), actual: voice.answers(isWarm: plain.isWarm))
    }
    try checkStop()
    return way
  }

  /// A new engine from the checkpoint of the old one, at random places.
  func restarted(_ candles: [FeatureInput]) throws -> ParityReport.Way {
    var way = ParityReport.Way("restarted from checkpoints")
    var generator = SplitMix64(seed: seed)
    let places = Set((0..<Self.restarts).map { _ in Int.random(in: 0..<max(1, candles.count), using: &generator) })
    var plain = PlainFold(voice)
    var voice = voice
    var engine = FeatureEngine()
    for (index, candle) in candles.enumerated() {
      if index.isMultiple(of: 1024) { try checkStop() }
      if places.contains(index) { engine = FeatureEngine(restoring: engine.checkpoint()) }
      engine.update(candle)
      plain.take(candle)
      let vector = engine.withValues { values in values.indices.map { values[$0] } }
      voice.observe(vector, candle)
      way.compareVectors(at: candle.closeTime, expected: plain.vector, actual: vector)
      way.comparePredictions(
        at: candle.closeTime, expected: plain.answers(), actual: voice.answers(isWarm: plain.isWarm))
    }
    return way
  }

  /// Through the pipeline, in the order in which the records came. Once something came late, everything from then on must
  /// be as if all that is known by then had been folded anew.
  func session(_ name: String, _ events: [CandleRecord]) throws -> ParityReport.Way {
    var way = ParityReport.Way(name)
    var history = LastingPipeline(view: view, mode: .replay)
    history.serve(target, with: version)
    var plain = PlainFold(voice)
    var known: [Timestamp: FeatureInput] = [:]
    var isAmended = false
    var sink = CollectingSink()
    for (index, record) in events.enumerated() {
      if index.isMultiple(of: 1024) { try checkStop() }
      sink.start()
      let effect = history.step(record, into: &sink)
      let candle = FeatureInput(record.candle)
      known[candle.openTime] = candle
      guard effect == .folded else {
        isAmended = true
        continue
      }
      if isAmended { plain = fold(known) } else { plain.take(candle) }
      isAmended = false
      compare(history.pipeline, plain, &way)
      way.comparePredictions(at: candle.closeTime, expected: plain.answers(), actual: sink.predictions.answers)
    }
    if isAmended { compare(history.pipeline, fold(known), &way) }
    return way
  }

  private var voice: PlainVoice { PlainVoice(target, version) }

  private func fold(_ known: [Timestamp: FeatureInput]) -> PlainFold {
    var plain = PlainFold(voice)
    for candle in known.values.sorted(by: { $0.openTime < $1.openTime }) { plain.take(candle) }
    return plain
  }

  private func compare(
    _ pipeline: borrowing PredictionPipeline, _ plain: borrowing PlainFold, _ way: inout ParityReport.Way
  ) {
    guard let openTime = plain.engine.openTime else { return }
    way.compareVectors(
      at: openTime.adding(minutes: 1), expected: plain.vector.map { Double(Float($0)) },
      actual: pipeline.vector.map { Double($0) })
  }

  private func checkStop() throws {
    if shouldStop() { throw CommandError(.failed, "stopped; nothing was proved") }
  }
}

extension FeatureInput {
  fileprivate var closeTime: Timestamp { openTime.adding(minutes: 1) }
}

extension [Prediction] {
  /// By model, of those that answered.
  fileprivate var answers: [ModelName: Double] {
    var answers: [ModelName: Double] = [:]
    for prediction in self { answers[prediction.modelName] = prediction.probabilityUp ?? prediction.changePercent }
    return answers
  }
}
