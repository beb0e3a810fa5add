import Evaluation
import Features
import Market
import Models
import Pipeline
import Settlement

/// Everything the program makes of stored candles by a moment, for the proof that nothing later enters it: features,
/// predictions, finished labels, folds, scalers, and what is learnt from them.
struct StoredDataSubject: AuditSubject {
  /// How many of the newest answers are compared one by one; the others together.
  private static let singled = 30

  let view: MarketView
  let target: PredictionTarget
  /// Answers for cuts after its training data; before them the baseline does.
  let version: ServedVersion?
  /// What is known by a moment, in the order in which it came.
  var knowledge: ([MarketEvent], Timestamp) -> [MarketEvent] = { events, cut in
    events.filter { $0.availableAt <= cut }.byAvailability
  }
  /// By moment, what an oracle's minutes and observations known by then tell; empty where closes decide.
  var outcomes: [Timestamp: OutcomePrices] = [:]
  var shouldStop: () -> Bool = { false }

  func artefacts(from events: [MarketEvent], by cut: Timestamp) throws -> [Artefact] {
    if shouldStop() { throw CommandError(.failed, "stopped; nothing was proved") }
    let known = knowledge(events, cut)
    let decided = DecidedRows(known, by: cut, view: view, target: target, version: version(by: cut))
    let prices = known.newestVersions(of: view.price).map(\.candle)
    let lesson = try Lesson(
      decided, prices: outcomes[cut]?.path(prices) ?? PricePath(prices), ticks: ticks(by: cut), target: target,
      view: view, by: cut)
    return features(decided) + predictions(decided) + labels(lesson) + lesson.artefacts
  }

  /// Where any are stored, there may still be none by this moment: then no window has an outcome.
  private func ticks(by cut: Timestamp) -> TickPath? {
    guard outcomes.values.contains(where: { $0.instants != nil }) else { return nil }
    return outcomes[cut]?.ticks ?? TickPath([])
  }

  private func version(by cut: Timestamp) -> ServedVersion? {
    version.flatMap { $0.bundle.card.dataset.to <= cut ? $0 : nil }
  }

  private func features(_ decided: DecidedRows) -> [Artefact] {
    FeatureSet.of(view).names.enumerated().flatMap { column, name in
      answers("feature \(name)", decided.times) { UInt64(decided.vectors[$0][column].bitPattern) }
    }
  }

  private func predictions(_ decided: DecidedRows) -> [Artefact] {
    Dictionary(grouping: decided.predictions, by: \.modelName).sorted { $0.key.rawValue < $1.key.rawValue }
      .flatMap { model, rows in
        answers("prediction \(model.rawValue)", rows.map(\.time)) { row in
          var bits = Fingerprint()
          bits.combine((rows[row].answer ?? .nan).bitPattern)
          bits.combine(rows[row].inputHash)
          bits.combine(rows[row].state)
          return bits.value
        }
      }
  }

  private func labels(_ lesson: Lesson) -> [Artefact] {
    answers("label \(target)", lesson.spans.decisionTimes) { lesson.labels[$0].bitPattern }
  }

  /// A name's answers by time.
  private func answers(_ name: String, _ times: [Timestamp], bits: (Int) -> UInt64) -> [Artefact] {
    let newest = times.indices.suffix(Self.singled)
    var whole = Fingerprint()
    for row in 0..<newest.lowerBound {
      whole.combine(UInt64(bitPattern: times[row].microseconds))
      whole.combine(bits(row))
    }
    return newest.map { Artefact(name, at: times[$0], bytes: withUnsafeBytes(of: bits($0)) { Array($0) }) }
      + [Artefact(name, whole.description)]
  }
}

/// What the pipeline computed and said at each decision, over events in the order in which they came.
struct DecidedRows {
  private(set) var times: [Timestamp] = []
  /// In the order of the view's feature set.
  private(set) var vectors: [[Float]] = []
  private(set) var predictions: [Prediction] = []

  init(
    _ known: [MarketEvent], by cut: Timestamp, view: MarketView, target: PredictionTarget, version: ServedVersion?
  ) {
    var history = LastingPipeline(view: view, mode: .replay)
    history.serve(target, with: version)
    for event in known {
      history.take(event)
      collect(&history)
    }
    history.advance(to: cut)
    collect(&history)
  }

  private mutating func collect(_ history: inout LastingPipeline) {
    var sink = CollectingSink()
    while let effect = history.next(into: &sink) {
      if effect == .folded, let openTime = history.pipeline.newestOpenTime {
        times.append(openTime.adding(minutes: 1))
        vectors.append(history.pipeline.vector)
        predictions += sink.predictions
      }
      sink.start()
    }
  }
}
