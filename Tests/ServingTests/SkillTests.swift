import FoundationEssentials
import Market
import Serving
import Storage
import TestSupport
import Testing
import Transport

/// What came true, and how good that makes who predicted it.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct SkillTests {
  private static let series = Series(.binance, .btcusdt)
  private static let view = MarketView(price: series)
  private static let target = PredictionTarget.direction(horizonMinutes: 15)
  private static let candles = RandomWalk()(seed: 5, count: 100)

  private struct Skill: Decodable {
    struct Row: Decodable {
      struct Estimate: Decodable {
        let value: Double?
        let low: Double?
        let count: Int
        let days: Int
        let warning: String?
      }
      struct Bin: Decodable {
        let count: Int
        let mean_probability: Double
        let up_share: Double
      }

      let arm: String
      let version: String?
      let model: String
      let state: String
      let count: Int
      let accuracy: Double
      let brier: Double
      let skill: Estimate?
      let reliability: [Bin]
    }

    let target: String
    let settled: Int
    let rows: [Row]
  }

  /// Of a hundred decisions eighty are settled, every second one up; a model says 0.8 of those that go up and 0.4 of
  /// the others, the baseline says one half.
  private static func store(arms: Bool = false) throws -> SharedStore {
    try SharedStore { store in
      var batch = LiveBatch(knownAt: candles[99].openTime.adding(minutes: 2))
      batch.candles = candles.map { LiveCandle(series, CandleRecord($0, lateAt: batch.knownAt)) }
      for (place, candle) in candles.enumerated() {
        batch.predictions += [
          prediction(.ensemble, place.isMultiple(of: 2) ? 0.8 : 0.4, at: candle.openTime),
          prediction(.baseline, 0.5, at: candle.openTime),
          prediction(.a, 1, at: candle.openTime, .replay),
        ]
      }
      if arms { batch.predictions = batch.predictions.flatMap(beside) }
      _ = try store.commit(batch)
      try store.setOutcomes(
        candles.prefix(80).enumerated().map { place, candle in
          PredictionOutcome(
            time: candle.openTime, view: view, target: target, value: place.isMultiple(of: 2) ? 1 : 0,
            knownAt: batch.knownAt)
        })
    }
  }

  private static func prediction(
    _ model: ModelName, _ probability: Double, at time: Timestamp, _ mode: Prediction.Mode = .live
  ) -> Prediction {
    Prediction(
      time: time, availableAt: time, view: view, target: target, probabilityUp: probability,
      confidence: max(probability, 1 - probability), modelName: model, version: "v1", featureSetHash: "00",
      inputHash: 7, state: "fresh", reason: "", mode: mode, latencyNanoseconds: 1)
  }

  /// The first quarter is served by another version; two shadows say the opposite, of which one has a baseline that
  /// is always right.
  private static func beside(_ prediction: Prediction) -> [Prediction] {
    guard prediction.mode == .live else { return [prediction] }
    var (served, one, other) = (prediction, prediction, prediction)
    if prediction.time < candles[20].openTime { (served.arm, served.version) = (.split, "v2") }
    (one.arm, one.version, other.arm, other.version) = (.shadow, "v3", .shadow, "v4")
    one.probabilityUp = prediction.probabilityUp.map { 1 - $0 }
    other.probabilityUp = prediction.probabilityUp.map { $0 == 0.5 ? 0 : 1 - $0 }
    return [served, one, other]
  }

  private func skill(_ query: String, arms: Bool = false) async throws -> Skill {
    try await skill(query, of: Self.store(arms: arms))
  }

  private func skill(_ query: String, of store: SharedStore) async throws -> Skill {
    let answer = try await Asking([.skill(of: Self.view, from: store)])("/v1/skill" + query)
    try #require(answer.status == 200)
    return try JSONDecoder().decode(Skill.self, from: Data(answer.body))
  }

  @Test func `a model is measured where its outcome is known, beside the baseline`() async throws {
    let skill = try await skill("?target=direction-15m")
    #expect(skill.settled == 80)
    #expect(skill.rows.map(\.model) == ["Baseline", "Ensemble"])
    #expect(skill.rows.map(\.count) == [80, 80])
    #expect(skill.rows[0].skill == nil)
    #expect(skill.rows[0].brier == 0.25)
    #expect(skill.rows[1].accuracy == 1)
    #expect(abs(skill.rows[1].brier - (0.04 + 0.16) / 2) < 1e-12)
    let estimate = try #require(skill.rows[1].skill)
    #expect(abs((estimate.value ?? 0) - 0.6) < 1e-12)
    #expect(estimate.count == 80)
    #expect(estimate.warning?.contains("too narrow") == true)
    let bins = skill.rows[1].reliability.filter { $0.count > 0 }
    #expect(bins.map(\.count) == [40, 40])
    #expect(bins.map(\.up_share) == [0, 1])
  }

  @Test func `each arm is measured by itself, and shadows change nothing of the others`() async throws {
    let skill = try await skill("?target=direction-15m", arms: true)
    #expect(skill.settled == 80)
    #expect(
      skill.rows.map { "\($0.arm) \($0.version ?? "-") \($0.model) \($0.count)" } == [
        "main - Baseline 60", "main - Ensemble 60", "shadow v3 Baseline 80", "shadow v3 Ensemble 80",
        "shadow v4 Baseline 80", "shadow v4 Ensemble 80", "split v2 Baseline 20", "split v2 Ensemble 20",
      ])
    #expect(skill.rows.map(\.accuracy)[1] == 1 && skill.rows[3].accuracy == 0 && skill.rows[7].accuracy == 1)
    for row in skill.rows where row.model == "Ensemble" {
      let estimate = try #require(row.skill)
      #expect(estimate.count == row.count, "beside the baseline that was served")
      let expected = row.arm == "shadow" ? 1 - (0.64 + 0.36) / 2 / 0.25 : 0.6
      #expect(abs((estimate.value ?? 0) - expected) < 1e-12)
    }
  }

  @Test func `a move is up unless it is down, and its probability is measured, not its size`() async throws {
    let said: [(probability: Double, basisPoints: Double)] = [(0.9, 5), (0.8, 0), (0.3, -4), (0.4, 2)]
    let store = try SharedStore { store in
      var batch = LiveBatch(knownAt: Self.candles[99].openTime.adding(minutes: 2))
      batch.candles = Self.candles.map { LiveCandle(Self.series, CandleRecord($0, lateAt: batch.knownAt)) }
      var outcomes: [PredictionOutcome] = []
      for (place, one) in said.enumerated() {
        let time = Self.candles[50].openTime.adding(microseconds: Int64(place) * 1_500_000)
        var made = [
          Self.prediction(.mlp, one.probability, at: time), Self.prediction(.linear, 0, at: time),
          Self.prediction(.baseline, 0.5, at: time),
        ]
        made[1].probabilityUp = nil
        for index in made.indices {
          made[index].target = .move(horizonSeconds: 60)
          made[index].changePercent = -1
          made[index].forecast = PriceForecast(current: 60_000, predicted: 59_400, source: .direct)
        }
        batch.predictions += made
        outcomes.append(
          PredictionOutcome(
            time: time, view: Self.view, target: .move(horizonSeconds: 60), value: one.basisPoints,
            knownAt: batch.knownAt))
      }
      _ = try store.commit(batch)
      try store.setOutcomes(outcomes)
    }
    let skill = try await skill("?target=move-60s", of: store)
    #expect(skill.settled == 4)
    #expect(skill.rows.map { "\($0.model) \($0.count)" } == ["Baseline 4", "MLP 4"])
    #expect(skill.rows[0].accuracy == 0.75 && skill.rows[0].brier == 0.25)
    #expect(skill.rows[1].accuracy == 0.75)
    #expect(abs(skill.rows[1].brier - (0.01 + 0.04 + 0.09 + 0.36) / 4) < 1e-12)
    let estimate = try #require(skill.rows[1].skill)
    #expect(estimate.count == 4)
    #expect(abs((estimate.value ?? 0) - 0.5) < 1e-12)
    #expect(skill.rows[1].reliability.filter { $0.count > 0 }.map(\.up_share) == [0, 1, 1, 1])
  }

  @Test func `what lies before the hours asked for does not count`() async throws {
    let skill = try await skill("?target=direction-15m&hours=1")
    #expect(skill.settled == 40)
  }

  @Test func `of a target without predictions there is nothing`() async throws {
    let skill = try await skill("?target=window-5m")
    #expect(skill.target == "window-5m")
    #expect(skill.settled == 0 && skill.rows.isEmpty)
  }

  @Test func `outcomes can be asked for by target`() async throws {
    let ask = try Asking([.outcomes(of: Self.view, from: try Self.store())])
    let start = Self.candles[0].openTime
    let listing = try await ask.listing("/v1/outcomes?from=\(start)&limit=50&target=direction-15m")
    #expect(listing.rows.count == 50)
    #expect(listing.rows.prefix(2).map(\.outcome) == [1, 0])
    #expect(listing.next == start.adding(minutes: 50).description)
    #expect(try await ask.listing("/v1/outcomes?from=\(start)&target=change-5m").rows.isEmpty)
  }
}
