import Ingestion
import Market
import Operations
import Storage
import TestSupport
import Testing
import VenueSimulator
import Venues

@testable import candlecast

/// The values of the metrics.
@Suite struct MetricsTests {
  private static let time = Timestamp("2024-03-01T12:00:00Z")!
  private static let view = MarketView(price: Series(.binance, .btcusdt))

  private func prediction(
    _ model: ModelName, _ state: String, confidence: Double?, microseconds: Int64, _ forecast: PriceForecast? = nil
  ) -> Prediction {
    Prediction(
      time: Self.time, availableAt: Self.time, view: Self.view, target: .direction(horizonMinutes: 15),
      probabilityUp: confidence, confidence: confidence, modelName: model, version: "v", featureSetHash: "h",
      inputHash: 1, state: state, reason: "", mode: .live, latencyNanoseconds: microseconds * 1000, forecast: forecast)
  }

  /// One at a close, and at a moment between closes one that is the baseline's and one that abstains.
  private var measures: PredictionMeasures {
    var measures = PredictionMeasures()
    let atClose = prediction(.a, "fresh", confidence: 0.64, microseconds: 30)
    measures.add([atClose], at: Self.time.adding(microseconds: 2_000_000))
    let ticks = [
      prediction(
        .baseline, "linear", confidence: 0.5, microseconds: 120,
        PriceForecast(inputAgeMilliseconds: 40, source: .direct)),
      prediction(.ensemble, "abstain:stale", confidence: nil, microseconds: 120, PriceForecast(source: .direct)),
    ]
    measures.add(ticks, at: Self.time)
    return measures
  }

  private var recovery: Recovery {
    var recovery = Recovery(since: 100)
    recovery.note(isConnected: false, hasGap: false, at: 101)
    recovery.note(isConnected: true, hasGap: true, at: 104)
    recovery.note(isConnected: true, hasGap: false, at: 107.5)
    for seconds in [120, 121.0] { recovery.note(isConnected: true, hasGap: true, at: seconds) }
    recovery.note(isConnected: false, hasGap: false, at: 123)
    return recovery
  }

  /// With minutes that are missing and requests that fail.
  private static func brokenFeed() throws -> VirtualFeed {
    let faults = [
      Fault(.partial, atSeconds: 0, lastingSeconds: 3600),
      Fault(.status, atSeconds: 0, lastingSeconds: 3600, amount: 503),
    ]
    var feed = try VirtualFeed(faults: faults)
    feed.run(minutes: 5)
    return feed
  }

  private func page(_ feed: VirtualFeed) throws -> Exposition {
    let status = LiveStatus()
    status.note(LiveParity.Result(checked: 9, mismatches: ["one", "another"], unverifiable: 1))
    status.noteReload(.refused)
    status.noteFailedJob()
    var writer = WriterStatistics()
    (writer.queuedCandles, writer.failures) = (11, 4)
    status.set(
      LiveStatus.Facts(
        report: feed.core.report, writer: writer, inboxWaits: 0, predictions: ["fresh": 5, "abstain:stale": 2],
        measures: measures, recovery: recovery, failedFiles: 6))
    return try Exposition(HealthPages(status: status, slowClients: { 3 }).metrics)
  }

  @Test func `every metric has the value that it stands for`() throws {
    let feed = try Self.brokenFeed()
    let (series, counts) = (feed.series, feed.core.report.feeds[0].counts)
    let samples = try page(feed).samples
    func value(_ name: String, _ labels: String = "") -> Double? { samples["candlecast_" + name]?[labels] }
    let one = #"series="sim-binance:BTCUSDT""#
    #expect(value("predictions_total", #"state="fresh""#) == 5)
    #expect(value("predictions_total", #"state="abstain:stale""#) == 2)
    #expect(value("candles_total", one + #",provenance="live""#) == Double(series.counts.live))
    #expect(value("candles_total", one + #",provenance="patched""#) == Double(series.counts.patched))
    #expect(value("gaps_open", one) == Double(series.missingMinutes) && series.missingMinutes > 0)
    #expect(value("completeness_ratio", one) == series.quality.completeness)
    #expect(value("queue_depth") == 11)
    #expect(value("dropped_total", #"venue="sim-binance""#) == Double(counts.dropped))
    #expect(value("dropped_total", #"what="clients""#) == 3)
    #expect(value("parity_mismatches_total") == 2 && value("parity_checked_total") == 9)
    #expect(value("recovery_seconds", #"after="start""#) == 7.5 && value("recovery_seconds", #"after="gap""#) == 3)
    #expect(try #require(value("resident_memory_bytes")) > 1_000_000)
  }

  @Test func `errors are counted by their kind`() throws {
    let feed = try Self.brokenFeed()
    let counts = feed.core.report.feeds[0].counts
    let errors = try #require(try page(feed).samples["candlecast_errors_total"])
    let expected = [
      "frame": counts.undecoded, "message": feed.series.counts.refused, "request": counts.failedRequests, "commit": 4,
      "tape": 0, "file": 6, "model": 1, "version": 1, "job": 1, "report": 0,
    ]
    #expect(errors == Dictionary(uniqueKeysWithValues: expected.map { (#"kind="\#($0)""#, Double($1)) }))
    #expect(counts.failedRequests > 0)
  }

  @Test func `latency, age and confidence are counted by bucket and cadence`() throws {
    let page = try page(try Self.brokenFeed())
    func counts(_ name: String, _ cadence: String, _ bounds: String...) -> [Double?] {
      bounds.map { page.samples[name + "_bucket"]?[#"cadence="\#(cadence)",le="\#($0)""#] }
    }
    func sum(_ name: String, _ cadence: String) -> Double? { page.samples[name + "_sum"]?[#"cadence="\#(cadence)""#] }
    let latency = "candlecast_prediction_latency_seconds"
    #expect(page.kinds[latency] == "histogram")
    #expect(counts(latency, "close", "1e-05", "2e-05", "4e-05", "1", "+Inf") == [0, 0, 1, 1, 1])
    #expect(counts(latency, "tick", "8e-05", "0.00015", "+Inf") == [0, 2, 2])
    #expect(sum(latency, "close") == 3e-5 && sum(latency, "tick") == 24e-5)
    let age = "candlecast_feature_age_seconds"
    #expect(page.kinds[age] == "histogram")
    #expect(counts(age, "close", "0.01", "1.5", "2.5", "60", "+Inf") == [0, 0, 1, 1, 1] && sum(age, "close") == 2)
    #expect(counts(age, "tick", "0.01", "0.05", "+Inf") == [0, 1, 1] && sum(age, "tick") == 0.04)
    let confidence = "candlecast_prediction_confidence"
    #expect(page.kinds[confidence] == "histogram")
    #expect(counts(confidence, "close", "0.1", "0.6", "0.7", "1", "+Inf") == [0, 0, 1, 1, 1])
    #expect(counts(confidence, "tick", "0.4", "0.5", "+Inf") == [0, 1, 1] && sum(confidence, "tick") == 0.5)
  }

  @Test func `a feed has caught up when nothing is missing, and not before`() throws {
    var whole = try VirtualFeed()
    whole.run(minutes: 3)
    var recovery = Recovery(since: 10)
    recovery.note(whole.core.report, at: 12)
    #expect(recovery.startSeconds == 2 && recovery.gapSeconds == nil)
    var other = Recovery(since: 10)
    other.note(try Self.brokenFeed().core.report, at: 12)
    #expect(other.startSeconds == nil)
  }

  @Test func `a histogram that is not one is found out`() throws {
    func page(_ lines: String...) -> String {
      "# HELP a b\n# TYPE a histogram\n" + lines.map { $0 + "\n" }.joined()
    }
    _ = try Exposition(page(#"a_bucket{le="1"} 1"#, #"a_bucket{le="+Inf"} 2"#, "a_sum 3", "a_count 2"))
    for wrong in [
      page(#"a_bucket{le="1"} 3"#, #"a_bucket{le="+Inf"} 2"#, "a_sum 3", "a_count 2"),
      page(#"a_bucket{le="1"} 1"#, #"a_bucket{le="+Inf"} 2"#, "a_sum 3", "a_count 3"),
      page(#"a_bucket{le="1"} 1"#, "a_sum 3", "a_count 1"), page(#"a_bucket{le="+Inf"} 2"#, "a_count 2"),
      page("a 1"),
    ] {
      #expect(throws: Exposition.Malformed.self) { try Exposition(wrong) }
    }
  }
}
