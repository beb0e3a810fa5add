internal import Evaluation
package import Market
internal import Models
internal import Operations
internal import Storage
internal import Transport

extension Route {
  private static let preset = PredictionTarget.direction(horizonMinutes: 15)
  /// All of it is held at once.
  private static let mostMinutesOfTicks = 48 * 60
  /// Those of which a probability of up is said.
  private static let targets = PredictionTarget.known.filter { $0.isBinary || $0.isOfTicks }

  /// How good the live predictions of a running pipeline have been.
  package static func skill(of view: MarketView, from store: some StoreReading) -> Route {
    Route(
      "GET", "/v1/skill", "How good live predictions have been, by model, state and arm, beside the baseline.",
      parameters: [
        Parameter("target", .choice(targets.map(\.description)), "default: \(preset)"),
        Parameter("hours", .integer(1...2208, preset: 24), "so many up to the newest candle"),
      ],
      schema: SkillTable.schema,
      answer: .later { request throws(APIFailure) in
        let target = try request.target("target") ?? preset
        let minutes = request.integer("hours") * 60
        guard !target.isOfTicks || minutes <= mostMinutesOfTicks else {
          throw .badParameter("hours", "\(target) is said every few seconds; at most \(mostMinutesOfTicks / 60) hours")
        }
        let table = try await store.read { store in try skill(view, target, minutes: minutes, in: store) }
        return .json(table.json)
      })
  }

  private static func skill(
    _ view: MarketView, _ target: PredictionTarget, minutes: Int, in store: any Store
  ) throws -> SkillTable {
    let end = try store.summary(of: view.price)?.lastOpenTime.adding(minutes: 1) ?? Timestamp(minute: 0)
    let range = end.adding(minutes: -minutes)..<end.adding(microseconds: 1)
    var table = SkillTable(view, target, range)
    for outcome in try store.outcomes(of: view, in: range, target: target) { table.add(outcome) }
    var filter = PredictionFilter(view: view)
    (filter.target, filter.mode, filter.range) = (target, .live, range)
    try store.readPredictions(filter) { batch in for prediction in batch { table.add(prediction) } }
    return table
  }
}

/// Settled predictions of one target, by who made them.
struct SkillTable: Sendable {
  private struct Maker: Hashable, Comparable {
    let arm: Prediction.Arm
    let model: ModelName
    let state: String
    /// Of an arm; what serves is taken together, whichever version it was.
    let version: String

    init(_ prediction: Prediction) {
      (arm, model, state) = (prediction.arm, prediction.modelName, prediction.state)
      version = arm == .main ? "" : prediction.version
    }

    static func < (a: Maker, b: Maker) -> Bool { a.order < b.order }

    private var order: (String, String, String, String) { (arm.rawValue, version, model.rawValue, state) }
  }

  private static let reliabilityBins = 10

  private let view: MarketView
  private let target: PredictionTarget
  private let range: Range<Timestamp>
  /// Labels by decision.
  private var labels: [Timestamp: Double] = [:]
  private var probabilities: [Maker: [Timestamp: Double]] = [:]

  init(_ view: MarketView, _ target: PredictionTarget, _ range: Range<Timestamp>) {
    (self.view, self.target, self.range) = (view, target, range)
  }

  /// A move is up if it is not down.
  mutating func add(_ outcome: PredictionOutcome) {
    labels[outcome.time] = outcome.value >= (target.isBinary ? 0.5 : 0) ? 1 : 0
  }

  /// What has no outcome yet does not count. Outcomes come first.
  mutating func add(_ prediction: Prediction) {
    guard let probability = prediction.probabilityUp, labels[prediction.time] != nil else { return }
    probabilities[Maker(prediction), default: [:]][prediction.time] = probability
  }

  var json: JSONValue {
    let baseline = probabilities.filter { $0.key.model == .baseline && $0.key.arm != .shadow }
      .sorted { $0.key < $1.key }.reduce(into: [:]) { all, one in all.merge(one.value) { first, _ in first } }
    let rows = probabilities.sorted { $0.key < $1.key }.map { row($0.key, $0.value, baseline) }
    return [
      "series": .text(view.price.description), "view": .text(view.description), "target": .text(target.description),
      "from": .text(range.lowerBound.description), "to": .text(range.upperBound.description),
      "settled": JSONValue(labels.count), "rows": .array(rows),
    ]
  }

  private func row(_ maker: Maker, _ made: [Timestamp: Double], _ baseline: [Timestamp: Double]) -> JSONValue {
    let times = made.keys.sorted()
    let scored = Scored(probabilities: times.map { made[$0] ?? 0 }, labels: times.map { labels[$0] ?? 0 })
    return [
      "arm": .text(maker.arm.rawValue), "version": maker.version.isEmpty ? .null : .text(maker.version),
      "model": .text(maker.model.rawValue), "state": .text(maker.state), "count": JSONValue(times.count),
      "accuracy": JSONValue(scored.accuracy), "brier": JSONValue(scored.brier), "log_loss": JSONValue(scored.logLoss),
      "skill": maker.model == .baseline ? .null : skill(made, baseline),
      "reliability": .array(scored.reliability(binCount: Self.reliabilityBins).map(\.json)),
    ]
  }

  /// 1 − Brier score ÷ that of the baseline, where both spoke; its interval comes from drawing whole days.
  private func skill(_ made: [Timestamp: Double], _ baseline: [Timestamp: Double]) -> JSONValue {
    let times = made.keys.filter { baseline[$0] != nil }.sorted()
    func errors(_ of: [Timestamp: Double]) -> [Double] {
      times.map { time in
        let error = (of[time] ?? 0) - (labels[time] ?? 0)
        return error * error
      }
    }
    let theirs = errors(baseline)
    guard theirs.contains(where: { $0 > 0 }) else { return .null }
    let days = DayBootstrap(times: times)
    let skill = days.skill(errors(made), over: theirs)
    return [
      "value": JSONValue(skill.value), "low": JSONValue(skill.low), "high": JSONValue(skill.high),
      "count": JSONValue(times.count),
      "days": JSONValue(days.dayCount), "warning": JSONValue(days.warning),
    ]
  }

  private static func object(_ names: [String]) -> JSONValue {
    ["type": "object", "required": .array(names.map { .text($0) })]
  }

  static let schema: JSONValue = [
    "type": "object", "required": ["series", "view", "target", "from", "to", "settled", "rows"],
    "properties": [
      "series": ["type": "string"], "view": ["type": "string"], "target": ["type": "string"],
      "from": ["type": "string"], "to": ["type": "string"], "settled": ["type": "integer"],
      "rows": [
        "type": "array",
        "items": object([
          "arm", "version", "model", "state", "count", "accuracy", "brier", "log_loss", "skill", "reliability",
        ]),
      ],
    ],
  ]
}

extension ReliabilityBin {
  fileprivate var json: JSONValue {
    [
      "low": JSONValue(low), "high": JSONValue(high), "count": JSONValue(count),
      "mean_probability": JSONValue(meanProbability), "up_share": JSONValue(upShare),
    ]
  }
}
