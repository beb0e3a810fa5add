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
  let events: [MarketEvent]

  /// `advance` is told the parts done, from 0 to 1; what it throws ends the audit.
  func run(advance: (Double) throws -> Void = { _ in }) throws -> ParityReport {
    let candles = Array(events.joined(in: view))
    // Of two series each has its own holes, and the second one's candles come a little later.
    let late = view.series.enumerated().flatMap { index, series in
      LateSession.events(
        of: events.newestVersions(of: series), delayMicroseconds: 2_000_000 * Int64(index + 1),
        seed: seed &+ UInt64(index)
      ).map { MarketEvent.candle(series, $0) }
    }
    return ParityReport(
      candles: candles.count,
      ways: [
        try batch(of: candles, against: candles) { try advance($0 / 4) },
        try restarted(candles) { try advance((1 + $0) / 4) },
        try session("replayed", events) { try advance((2 + $0) / 4) },
        try session("holes patched late", late.byAvailability) { try advance((3 + $0) / 4) },
      ])
  }

  /// All at once, in blocks.
  func batch(
    of candles: [FeatureInput], against truth: [FeatureInput], advance: (Double) throws -> Void = { _ in }
  ) throws -> ParityReport.Way {
    var way = ParityReport.Way("batch", columns: set.names)
    var plain = PlainFold(voice)
    var voice = voice
    var expected = truth.makeIterator()
    var engine = FeatureEngine()
    for start in stride(from: 0, to: candles.count, by: Self.portion) {
      let end = min(start + Self.portion, candles.count)
      engine.fold(candles[start..<end]) { candle, values in
        guard let truth = expected.next() else { return }
        plain.take(truth)
        let vector = set.values(values, of: candle)
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
    var way = ParityReport.Way("restarted from checkpoints", columns: set.names)
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
      let vector = engine.values(set)
      voice.observe(vector, candle)
      way.compareVectors(at: candle.closeTime, expected: plain.vector, actual: vector)
      way.comparePredictions(
        at: candle.closeTime, expected: plain.answers(), actual: voice.answers(isWarm: plain.isWarm))
    }
    return way
  }

  /// Through the pipeline, in the order in which the events came. Once something came late, everything from then on must
  /// be as if all that is known by then had been folded anew.
  private func session(
    _ name: String, _ events: [MarketEvent], advance: (Double) throws -> Void
  ) throws -> ParityReport.Way {
    var session = Session(self, name)
    for (index, event) in events.enumerated() {
      if index.isMultiple(of: Self.portion) { try advance(Double(index) / Double(events.count)) }
      session.take(event)
    }
    return session.finish()
  }

  /// The pipeline, and beside it what is known.
  private struct Session: ~Copyable {
    private let view: MarketView
    private let voice: PlainVoice
    private var way: ParityReport.Way
    private var history: LastingPipeline
    private var plain: PlainFold
    private var prices: [Timestamp: Candle] = [:]
    private var volumes: [Timestamp: Candle] = [:]
    private var isAmended = false

    init(_ audit: ParityAudit, _ name: String) {
      (view, voice) = (audit.view, audit.voice)
      way = ParityReport.Way(name, columns: voice.set.names)
      history = LastingPipeline(view: audit.view, mode: .replay)
      history.serve(audit.target, with: audit.version)
      plain = PlainFold(voice)
    }

    mutating func take(_ event: MarketEvent) {
      // What the event's time alone brings about, before the event is known.
      history.advance(to: event.availableAt)
      compareAll()
      if case .candle(let series, let record) = event {
        if series == view.price { prices[record.candle.openTime] = record.candle }
        if series == view.volume { volumes[record.candle.openTime] = record.candle }
      }
      history.take(event)
      compareAll()
    }

    consuming func finish() -> ParityReport.Way {
      history.advance(to: .distantFuture)
      compareAll()
      if isAmended, let newest = history.pipeline.newestOpenTime {
        plain = fold(until: newest)
        compareVectors()
      }
      return way
    }

    private mutating func compareAll() {
      var sink = CollectingSink()
      while let effect = history.next(into: &sink) {
        if effect == .folded { compareDecision(sink.predictions) } else { isAmended = true }
        sink.start()
      }
    }

    private mutating func compareDecision(_ predictions: [Prediction]) {
      guard let openTime = history.pipeline.newestOpenTime, let prices = prices[openTime] else { return }
      if isAmended { plain = fold(until: openTime) } else { plain.take(candle(prices)) }
      isAmended = false
      compareVectors()
      way.comparePredictions(
        at: openTime.adding(minutes: 1), expected: plain.answers(), actual: predictions.answers)
    }

    private func candle(_ prices: Candle) -> FeatureInput {
      view.volume == nil ? FeatureInput(prices) : FeatureInput(prices: prices, volumes: volumes[prices.openTime])
    }

    /// Later prices wait for their volumes.
    private func fold(until openTime: Timestamp) -> PlainFold {
      var plain = PlainFold(voice)
      for prices in prices.values.sorted(by: { $0.openTime < $1.openTime }) where prices.openTime <= openTime {
        plain.take(candle(prices))
      }
      return plain
    }

    private mutating func compareVectors() {
      guard let openTime = plain.engine.openTime else { return }
      way.compareVectors(
        at: openTime.adding(minutes: 1), expected: plain.vector.map { Double(Float($0)) },
        actual: history.pipeline.vector.map { Double($0) })
    }
  }

  private var set: FeatureSet { .of(view) }

  private var voice: PlainVoice { PlainVoice(target, version, set: set) }
}

extension FeatureInput {
  fileprivate var closeTime: Timestamp { openTime.adding(minutes: 1) }
}

extension [Prediction] {
  /// By model, of those that answered.
  fileprivate var answers: [ModelName: Double] {
    var answers: [ModelName: Double] = [:]
    for prediction in self { answers[prediction.modelName] = prediction.answer }
    return answers
  }
}
