import Ingestion
import Market
import Operations
import Storage
import TestSupport
import Testing
import VenueSimulator

@testable import candlecast

/// What the knobs of the tick cadence change.
@Suite(.serialized) struct TickKnobTests {
  @Test(.timeLimit(.minutes(Soak.minutes(5))), arguments: [("1.5", 1500), ("4", 4000)])
  func `predictions between candles are stored at multiples of the interval, and play back to the same bits`(
    seconds: String, milliseconds: Int64
  ) async throws {
    // An hour of candles makes a volatility, and no candle's prediction.
    let knobs = ["inference.interval_seconds": seconds, "ingest.limit": "60"]
    let desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    let context = try desk.context()
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = false
    let result = try await Watch.run(context, options) { status in
      let states = status.current?.predictions ?? [:]
      return states["untrained", default: 0] > 40 && states["unpromoted", default: 0] > 10
    }
    let replayed = try RecordingReplay(
      context: context, path: desk.folder.path + "/tape", destination: nil, history: .duckDB(path: desk.storePath)
    ).run()
    #expect(replayed.fingerprint == result.fingerprint && replayed.predictions == result.predictions)
    let store = try DuckDBStore(path: desk.storePath)
    let predictions = try store.predictions(PredictionFilter(target: .move(horizonSeconds: 60)))
    #expect(predictions.count > 40)
    #expect(predictions.allSatisfy { $0.time.milliseconds % milliseconds == 0 && $0.forecast != nil })
    #expect(Set(predictions.map { $0.time.milliseconds % (milliseconds * 2) }).count == 2)
    for target in PredictionTarget.openWindows {
      let windows = try store.predictions(PredictionFilter(target: target))
      #expect(Set(windows.map(\.time)) == Set(predictions.map(\.time)), "\(target)")
      #expect(windows.allSatisfy { $0.forecast != nil && $0.modelName == .baseline })
    }
    let said = try PredictionTarget.openWindows.flatMap { try store.predictions(PredictionFilter(target: $0)) }
    #expect(said.filter { $0.probabilityUp != nil }.count > 10, "\(Set(said.map(\.reason)))")
    #expect(try store.predictions().count == result.predictions)
  }

  @Test(arguments: [("5", true), ("3000", false)])
  func `a stream that is silent for longer than inputs may be old is helped out by requests`(
    seconds: String, isHelped: Bool
  ) throws {
    let silence = [Fault(.silence, atSeconds: 120, lastingSeconds: 120)]
    var feed = try VirtualFeed(["inference.max_feature_age_seconds": seconds], faults: silence)
    feed.run(minutes: 4)
    let asked = feed.requests.filter { $0.path.contains("aggTrades?symbol=BTCUSDT&limit=") }
    #expect(asked.isEmpty != isHelped)
    #expect(feed.requests.contains { $0.path.contains("bookTicker") } == isHelped)
  }

  private func prediction(confidence: Double) -> Prediction {
    Prediction(
      time: Timestamp("2024-03-01T12:00:00Z")!, availableAt: Timestamp("2024-03-01T12:00:00Z")!,
      view: MarketView("binance:BTCUSDT")!, target: .direction(horizonMinutes: 60), probabilityUp: confidence,
      confidence: confidence, modelName: .mlp, version: "v", featureSetHash: "h", inputHash: 1, state: "fresh",
      reason: "", mode: .live, latencyNanoseconds: 0)
  }

  private func latest(_ knobs: [String: String], after seconds: Int64) throws -> String {
    let latest = LatestPredictions(ServingRules(try Desk().configuration(knobs)))
    let prediction = prediction(confidence: 0.64)
    latest.note([prediction])
    return latest.json(at: prediction.time.adding(microseconds: seconds * 1_000_000)).description
  }

  @Test func `the threshold says what to act on`() throws {
    #expect(try latest([:], after: 0).contains(#""actionable":true"#))
    #expect(try latest(["inference.confidence_threshold": "0.65"], after: 0).contains(#""actionable":false"#))
  }

  @Test func `confidence decays by the minute`() throws {
    #expect(try latest(["forecasting.confidence_decay": "0.5"], after: 60).contains(#""confidence":0.32"#))
    #expect(try latest(["forecasting.confidence_decay": "1"], after: 60).contains(#""confidence":0.64"#))
  }

  @Test func `a prediction older than its age is not given as current`() throws {
    #expect(try !latest([:], after: 299).contains("abstain:expired"))
    #expect(try latest([:], after: 301).contains("abstain:expired"))
    #expect(try !latest(["inference.max_prediction_age_seconds": "600"], after: 301).contains("abstain:expired"))
  }
}
