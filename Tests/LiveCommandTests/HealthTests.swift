import FoundationEssentials
import Ingestion
import Market
import Operations
import Platform
import Serving
import Storage
import Synchronization
import Tape
import TestSupport
import Testing
import Transport
import VenueSimulator
import Venues

@testable import candlecast

/// The health pages and the metrics of a live feed.
@Suite(.serialized) struct HealthTests {
  /// What the page of the feed is made of, with nothing else in it.
  private struct Feeder: Decodable {
    let status: String
    let uptime_seconds: Int
    let candles_processed: Int
    let database_connected: Bool
    let websocket_connected: Bool
    let last_candle_time: String?
    let memory_mb: Double
    let model: String
    let feature_age_seconds: Double?
    let queue_depth: Int
  }

  private struct GapHandler: Decodable {
    let status: String
    let backfills_completed: Int
    let candles_recovered: Int
    let database_status: String
  }

  private func names(_ page: JSONValue) -> [String] {
    if case .object(let members) = page { members.map(\.name) } else { [] }
  }

  private func feeder(_ pages: HealthPages) throws -> Feeder {
    try JSONDecoder().decode(Feeder.self, from: Data(pages.feeder.description.utf8))
  }

  private func gapHandler(_ pages: HealthPages) throws -> GapHandler {
    try JSONDecoder().decode(GapHandler.self, from: Data(pages.gapHandler.description.utf8))
  }

  private func pages(
    _ feed: VirtualFeed, failure: StoreError? = nil, predictions: [String: Int] = [:]
  ) -> HealthPages {
    let status = LiveStatus()
    var writer = WriterStatistics()
    (writer.newCandles, writer.failure) = (7, failure)
    writer.latency.add(microseconds: 1500, weight: 7)
    status.set(
      LiveStatus.Facts(
        report: feed.core.report, writer: writer, inboxWaits: 0, tape: nil, predictions: predictions))
    return HealthPages(status: status)
  }

  @Test func `both pages have exactly the known fields`() throws {
    var feed = try VirtualFeed()
    feed.run(minutes: 3)
    let pages = pages(feed)
    #expect(
      names(pages.feeder) == [
        "status", "uptime_seconds", "candles_processed", "database_connected", "websocket_connected",
        "last_candle_time", "memory_mb", "model", "feature_age_seconds", "queue_depth",
      ])
    #expect(
      names(pages.gapHandler) == ["status", "backfills_completed", "candles_recovered", "database_status"])
    let (feeder, gaps) = (try feeder(pages), try gapHandler(pages))
    #expect(feeder.status == "healthy" && feeder.candles_processed == 7 && feeder.memory_mb > 1)
    #expect(feeder.database_connected && feeder.websocket_connected)
    #expect(feeder.last_candle_time == "\(feed.now.adding(minutes: -2))")
    #expect(gaps.status == "healthy" && gaps.database_status == "connected")
    #expect(gaps.candles_recovered >= 4 && gaps.backfills_completed >= 1)
  }

  @Test func `the model, the age of the features, what waits and the time since the start are told as they are`()
    throws
  {
    var feed = try VirtualFeed()
    feed.run(minutes: 3)
    let status = LiveStatus(startedSeconds: SystemClock.seconds() - 125.5)
    status.models = ServedModels(
      view: MarketView(price: Series(.binance, .btcusdt)), preset: .direction(horizonMinutes: 15))
    status.runs(by: PipelineClock(origin: feed.now, at: SystemClock.wallNanoseconds(), speed: 1e-9))
    for seconds in [102.5, 42.5] {
      status.features.note(FeatureMoment(time: feed.now.adding(microseconds: -Int64(seconds * 1e6)), vector: []))
    }
    var writer = WriterStatistics()
    writer.queuedCandles = 11
    status.set(LiveStatus.Facts(report: feed.core.report, writer: writer, inboxWaits: 0))
    let page = try feeder(HealthPages(status: status))
    #expect(page.model == "Baseline" && page.feature_age_seconds == 42.5 && page.queue_depth == 11)
    #expect((125...130).contains(page.uptime_seconds))
  }

  @Test func `a server is ready once the feed has begun, and not while nothing can be stored`() async throws {
    var feed = try VirtualFeed()
    feed.run(minutes: 1)
    let context = try Desk().context()
    let status = LiveStatus()
    let server = try LiveServer(
      status, try ServerSetting(context.configuration), LiveServer.Content(), store: LateStore(context.log))
    func expectReady(_ code: Int, _ text: String) async throws {
      let answer = try await Watch.get("http://127.0.0.1:\(server.ports.feeder)/health/ready")
      let body = String(decoding: answer.body, as: UTF8.self)
      #expect(answer.status == code && body.contains(text), "\(answer.status) \(body)")
    }
    func tell(isReady: Bool, failure: StoreError? = nil) {
      var writer = WriterStatistics()
      writer.failure = failure
      status.set(LiveStatus.Facts(report: feed.core.report, writer: writer, inboxWaits: 0, isReady: isReady))
    }
    do {
      try await expectReady(503, "the feed has not begun")
      tell(isReady: false)
      try await expectReady(503, "the feed has not begun")
      tell(isReady: true)
      try await expectReady(200, "ready")
      tell(isReady: true, failure: .corrupt(path: "x", reason: "y"))
      try await expectReady(503, "nothing can be stored")
      tell(isReady: true)
      try await expectReady(200, "ready")
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  @Test func `before anything is known the feed is degraded`() throws {
    let pages = HealthPages(status: LiveStatus())
    let (feeder, gaps) = (try feeder(pages), try gapHandler(pages))
    #expect(feeder.status == "degraded" && !feeder.database_connected && !feeder.websocket_connected)
    #expect(feeder.last_candle_time == nil && gaps.status == "degraded" && gaps.database_status == "disconnected")
  }

  @Test func `without a socket the feed is degraded, and healthy again with one`() throws {
    let cut = [Fault(.disconnect, atSeconds: 200, lastingSeconds: 60)]
    var feed = try VirtualFeed(faults: cut)
    feed.run(minutes: 4)
    let broken = try feeder(pages(feed))
    #expect(broken.status == "degraded" && !broken.websocket_connected && broken.database_connected)
    feed.run(minutes: 6)
    #expect(try feeder(pages(feed)).status == "healthy")
  }

  @Test func `with a gap that cannot be closed yet both are degraded`() throws {
    let broken = [
      Fault(.partial, atSeconds: 0, lastingSeconds: 3600),
      Fault(.status, atSeconds: 0, lastingSeconds: 3600, amount: 503),
    ]
    var feed = try VirtualFeed(faults: broken)
    feed.run(minutes: 5)
    let pages = pages(feed)
    let (feeder, gaps) = (try feeder(pages), try gapHandler(pages))
    #expect(feeder.status == "degraded" && gaps.status == "degraded" && gaps.database_status == "connected")
  }

  @Test func `when nothing can be stored the feed is unhealthy and the database disconnected`() throws {
    var feed = try VirtualFeed()
    feed.run(minutes: 3)
    let pages = pages(feed, failure: .corrupt(path: "x", reason: "y"))
    let (feeder, gaps) = (try feeder(pages), try gapHandler(pages))
    #expect(feeder.status == "unhealthy" && !feeder.database_connected)
    #expect(gaps.status == "degraded" && gaps.database_status == "disconnected")
  }

  // MARK: Metrics

  @Test func `the metrics are what a scraper of the text format reads`() throws {
    var feed = try VirtualFeed()
    feed.run(minutes: 3)
    let page = try Exposition(pages(feed).metrics)
    #expect(
      page.samples["candlecast_candles_total"]?.keys.contains(#"series="sim-binance:BTCUSDT",provenance="live""#)
        == true)
    #expect(page.samples["candlecast_connected"] == [#"venue="sim-binance""#: 1])
    for (name, kind) in page.kinds { #expect(name.hasSuffix("_total") == (kind == "counter"), "\(name)") }
    #expect(page.kinds.count > 20)
  }

  @Test func `the metrics count predictions by state`() throws {
    var feed = try VirtualFeed()
    feed.run(minutes: 1)
    let page = try Exposition(pages(feed, predictions: ["fresh": 41, "fallback": 3, "abstain:stale": 2]).metrics)
    #expect(page.kinds["candlecast_predictions_total"] == "counter")
    #expect(
      page.samples["candlecast_predictions_total"]
        == [#"state="abstain:stale""#: 2, #"state="fallback""#: 3, #"state="fresh""#: 41])
  }

  @Test func `both ports serve health and metrics, and tell what they do not serve`() async throws {
    let desk = try Desk(try Exchange.shared.get().knobs)
    let options = LiveSession.Options(channels: [.klines, .trades, .quotes], predicts: true, servesHealth: true)
    _ = try await Watch.run(try desk.context(), options) { status in
      guard let ports = status.ports, status.current?.state == "healthy",
        status.current?.predictions.isEmpty == false
      else { return false }
      let gapHandler = try #require(ports.gapHandler)
      for (port, field) in [(ports.feeder, "websocket_connected"), (gapHandler, "backfills_completed")] {
        let base = "http://127.0.0.1:\(port)"
        let health = try await Watch.get(base + "/health")
        #expect(health.status == 200 && String(decoding: health.body, as: UTF8.self).contains(field))
        #expect(health.headers.contains { $0.name.lowercased() == "content-type" && $0.value == "application/json" })
        let metrics = try await Watch.get(base + "/metrics")
        #expect(metrics.headers.contains { $0.value == PrometheusText.contentType })
        let exposition = try Exposition(String(decoding: metrics.body, as: UTF8.self))
        let made = exposition.samples["candlecast_predictions_total"]?.values.reduce(0, +)
        #expect(exposition.samples["candlecast_prediction_latency_seconds_count"]?.values.reduce(0, +) == made)
        #expect(exposition.samples["candlecast_dropped_total"]?[#"what="clients""#] == 0)
        let other = try await Watch.get(base + "/nothing")
        #expect(exposition.kinds.count > 20 && other.status == 404)
      }
      return true
    }
  }
}
