import Features
import Market
import Pipeline

/// Whether all ways from candles to vectors and predictions give the bits that folding one by one gives.
struct ParityAudit {
  private static let restarts = 8
  /// Candles between two words on the progress.
  private static let portion = 4096

  let view: MarketView
  let target: PredictionTarget
  /// `nil`: the baseline answers.
  let version: ServedVersion?
  let seed: UInt64
  /// All versions that are stored of a stretch, in the order in which a live reader had them.
  let records: [CandleRecord]

  /// `advance` is told the parts done, from 0 to 1; what it throws ends the audit.
  func run(advance: (Double) throws -> Void = { _ in }) throws -> ParityReport {
    let truth = records.newestVersions
    let candles = truth.map { FeatureInput($0.candle) }
    let late = LateSession.events(of: truth, seed: seed)
    return ParityReport(
      candles: candles.count,
      ways: [
        try batch(of: candles, against: candles) { try advance($0 / 4) },
        try restarted(candles) { try advance((1 + $0) / 4) },
        try session("replayed", records) { try advance((2 + $0) / 4) },
        try session("holes patched late", late) { try advance((3 + $0) / 4) },
      ])
  }

  /// All at once, in blocks.
  func batch(
    of candles: [FeatureInput], against truth: [FeatureInput], advance: (Double) throws -> Void = { _ in }
  ) throws -> ParityReport.Way {
    var way = ParityReport.Way("batch")
    var plain = PlainFold(voice)
    var voice = voice
    var expected = truth.makeIterator()
    var engine = FeatureEngine()
    for start in stride(from: 0, to: candles.count, by: Self.portion) {
      let end = min(start + Self.portion, candles.count)
      engine.fold(candles[start..<end]) { candle, values in
        guard let truth = expected.next() else { return }
        plain.take(truth)
        let vector = values.indices.map { values[$0] }
        voice.observe(vector, candle)
        way.compareVectors(at: truth.closeTime, expected: plain.vector, actual: vector)
        way.comparePredictions(
          at: truth.closeTime, expected: plain.answers(), actual: voice.answers(isWarm: plain.isWarm))
      }
      try advance(Double(end) / Double(candles.count))
    }
    return way
  }

  /// A new engine from the checkpoint of the old one, at random places.
  private func restarted(_ candles: [FeatureInput], advance: (Double) throws -> Void) throws -> ParityReport.Way {
    var way = ParityReport.Way("restarted from checkpoints")
    var generator = SplitMix64(seed: seed)
    let places = Set((0..<Self.restarts).map { _ in Int.random(in: 0..<max(1, candles.count), using: &generator) })
    var plain = PlainFold(voice)
    var voice = voice
    var engine = FeatureEngine()
    for (index, candle) in candles.enumerated() {
      if index.isMultiple(of: Self.portion) { try advance(Double(index) / Double(candles.count)) }
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
  private func session(
    _ name: String, _ events: [CandleRecord], advance: (Double) throws -> Void
  ) throws -> ParityReport.Way {
    var way = ParityReport.Way(name)
    var history = LastingPipeline(view: view, mode: .replay)
    history.serve(target, with: version)
    var plain = PlainFold(voice)
    var known: [Timestamp: FeatureInput] = [:]
    var isAmended = false
    var sink = CollectingSink()
    for (index, record) in events.enumerated() {
      if index.isMultiple(of: Self.portion) { try advance(Double(index) / Double(events.count)) }
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
