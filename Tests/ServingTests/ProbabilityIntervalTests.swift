import FoundationEssentials
import Market
import Operations
import Serving
import Storage
import TestSupport
import Testing
import Transport

/// How often it went up after probabilities like one that is said.
@Suite(.timeLimit(.minutes(Soak.minutes(1)))) struct ProbabilityIntervalTests {
  private static let view = MarketView(price: Series(.binance, .btcusdt))
  private static let target = PredictionTarget.direction(horizonMinutes: 5)
  private static let candles = RandomWalk()(seed: 6, count: 200)

  private struct Listing: Decodable {
    struct Row: Decodable {
      let model: String
      let version: String
      let probability_up: Double?
      let probability_interval: [Double]?
    }

    let rows: [Row]
  }

  private static func prediction(_ model: ModelName, _ probability: Double?, version: String, at time: Timestamp)
    -> Prediction
  {
    Prediction(
      time: time, availableAt: time, view: view, target: target, probabilityUp: probability,
      confidence: probability.map { max($0, 1 - $0) }, modelName: model, version: version, featureSetHash: "00",
      inputHash: 7, state: "fresh", reason: "", mode: .live, latencyNanoseconds: 1)
  }

  /// Of every third decision it goes up; the last ones are another version's, and a model is silent.
  private static let outcomes = candles.prefix(190).enumerated().map { place, candle in
    PredictionOutcome(
      time: candle.openTime, view: view, target: target, value: place.isMultiple(of: 3) ? 1 : 0,
      knownAt: candle.openTime.adding(minutes: 5))
  }

  private static func store() throws -> SharedStore {
    try SharedStore { store in
      var batch = LiveBatch(knownAt: candles[199].openTime.adding(minutes: 2))
      batch.candles = candles.map { LiveCandle(view.price, CandleRecord($0, lateAt: batch.knownAt)) }
      for (place, candle) in candles.enumerated() {
        batch.predictions += [
          prediction(.ensemble, 0.35, version: place < 180 ? "v1" : "v2", at: candle.openTime),
          prediction(.a, nil, version: "v1", at: candle.openTime),
        ]
      }
      _ = try store.commit(batch)
      try store.setOutcomes(outcomes)
    }
  }

  @Test func `it is told of the version whose outcomes are known, and of no other`() async throws {
    let store = try Self.store()
    let intervals = ProbabilityIntervals()
    let ask = try Asking([.predictions(of: Self.view, from: store, intervals)])
    func rows() async throws -> [Listing.Row] {
      let answer = try await ask("/v1/predictions?limit=1000&from=\(Self.candles[0].openTime)")
      try #require(answer.status == 200)
      return try JSONDecoder().decode(Listing.self, from: Data(answer.body)).rows
    }
    #expect(try await rows().allSatisfy { $0.probability_interval == nil }, "nothing is known yet")
    try await store.withStore { try intervals.take(Self.outcomes, from: $0) }
    let told = try await rows()
    #expect(told.count == 400)
    for row in told {
      guard row.model == "Ensemble", row.version == "v1" else {
        #expect(row.probability_interval == nil, "\(row)")
        continue
      }
      // Sixty of the 180 went up, and 36 of their outcomes follow each other.
      let interval = try #require(row.probability_interval)
      #expect(interval.count == 2 && abs(interval[0] - 0.2021) < 1e-4 && abs(interval[1] - 0.4966) < 1e-4, "\(row)")
    }
  }
}
