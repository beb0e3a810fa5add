import FoundationEssentials
import Ingestion
import Market
import Operations
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
      guard let ports = status.ports, status.current?.state == "healthy" else { return false }
      let gapHandler = try #require(ports.gapHandler)
      for (port, field) in [(ports.feeder, "websocket_connected"), (gapHandler, "backfills_completed")] {
        let base = "http://127.0.0.1:\(port)"
        let health = try await Watch.get(base + "/health")
        #expect(health.status == 200 && String(decoding: health.body, as: UTF8.self).contains(field))
        #expect(health.headers.contains { $0.name.lowercased() == "content-type" && $0.value == "application/json" })
        let metrics = try await Watch.get(base + "/metrics")
        #expect(metrics.headers.contains { $0.value == PrometheusText.contentType })
        let exposition = try Exposition(String(decoding: metrics.body, as: UTF8.self))
        let other = try await Watch.get(base + "/nothing")
        #expect(exposition.kinds.count > 20 && other.status == 404)
      }
      return true
    }
  }
}

/// A page in Prometheus' text format, version 0.0.4, read by the rules of its documentation.
private struct Exposition {
  struct Malformed: Error { let line: String }

  private(set) var kinds: [String: String] = [:]
  /// Of each metric the values by labels.
  private(set) var samples: [String: [String: Double]] = [:]

  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw Malformed(line: "the last line is not ended") }
    var current = ""
    var helped: Set<String> = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
      if line.hasPrefix("# HELP ") {
        guard words.count == 4, Self.isName(words[2]), helped.insert(words[2]).inserted else {
          throw Malformed(line: String(line))
        }
      } else if line.hasPrefix("# TYPE ") {
        // Once, before the samples of its metric.
        guard words.count == 4, Self.isName(words[2]), kinds[words[2]] == nil, ["counter", "gauge"].contains(words[3])
        else { throw Malformed(line: String(line)) }
        (kinds[words[2]], current) = (words[3], words[2])
      } else {
        let (name, labels, value) = try Self.sample(line)
        guard name == current, samples[name, default: [:]].updateValue(value, forKey: labels) == nil else {
          throw Malformed(line: String(line))
        }
      }
    }
  }

  private static func sample(_ line: Substring) throws -> (name: String, labels: String, value: Double) {
    let name = line.prefix { $0 != "{" && $0 != " " }
    var rest = line.dropFirst(name.count)
    var labels = Substring()
    if rest.first == "{" {
      var isQuoted = false
      var isEscaped = false
      let end = rest.firstIndex { character in
        defer { isEscaped = character == "\\" && !isEscaped }
        if character == "\"", !isEscaped { isQuoted.toggle() }
        return character == "}" && !isQuoted
      }
      guard let end else { throw Malformed(line: String(line)) }
      labels = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      try check(labels)
    }
    let number = ["+Inf": "inf", "-Inf": "-inf", "NaN": "nan"][rest.dropFirst()] ?? String(rest.dropFirst())
    guard isName(String(name)), rest.first == " ", let value = Double(number) else {
      throw Malformed(line: String(line))
    }
    return (String(name), String(labels), value)
  }

  /// `name="value"` apart by commas; no name twice.
  private static func check(_ labels: Substring) throws {
    var names: Set<Substring> = []
    var rest = labels
    while !rest.isEmpty {
      let name = rest.prefix { $0 != "=" }
      rest = rest.dropFirst(name.count + 1)
      guard isName(String(name)), !name.contains(":"), names.insert(name).inserted, rest.first == "\"" else {
        throw Malformed(line: String(labels))
      }
      rest = rest.dropFirst()
      while let character = rest.first, character != "\"" {
        rest = rest.dropFirst()
        guard character == "\\" else { continue }
        guard let escaped = rest.first, "\\\"n".contains(escaped) else { throw Malformed(line: String(labels)) }
        rest = rest.dropFirst()
      }
      rest = rest.dropFirst()
      if rest.first == "," { rest = rest.dropFirst() } else if !rest.isEmpty { throw Malformed(line: String(labels)) }
    }
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      (48...58).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }
  }
}
