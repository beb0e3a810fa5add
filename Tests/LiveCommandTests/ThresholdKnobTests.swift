import Ingestion
import Market
import Operations
import Storage
import Tape
import TestSupport
import Testing
import Transport
import VenueSimulator
import Venues

@testable import candlecast

/// Each knob that the core obeys, changed in the configuration and seen in what a feed does.
///
/// One after the other, so that the tests that wait for sockets have a thread left.
@Suite(.serialized) struct ThresholdKnobTests {
  private static let silence = [Fault(.silence, atSeconds: 300, lastingSeconds: 1200)]
  /// Nothing but the ledger asks for what a silence hides.
  private static let patient = ["gaps.recheck_minutes": "0", "link.silence_seconds": "3600"]

  private func after(
    _ minutes: Int, _ knobs: [String: String], at venue: String = "binance", faults: [Fault] = [],
    startingLate: Int = 0, ledger: [LedgerRange] = []
  ) throws -> VirtualFeed {
    var feed = try VirtualFeed(knobs, at: venue, faults: faults, startingLate: startingLate, ledger: ledger)
    feed.run(minutes: minutes)
    return feed
  }

  @Test(arguments: [("70", true), ("3000", false)])
  func `a silence longer than the threshold is a gap that is fetched`(seconds: String, isGap: Bool) throws {
    let knobs = Self.patient.merging(["gaps.threshold_seconds": seconds]) { $1 }
    let before = try after(4, knobs, faults: Self.silence)
    let feed = try after(15, knobs, faults: Self.silence)
    #expect((feed.series.counts.patched > before.series.counts.patched) == isGap)
    #expect(feed.quality.contains { $0.type == "gap" && $0.createdAt > before.now } == isGap)
  }

  @Test(arguments: [("60", true), ("3000", false)])
  func `a silence longer than the alarm is a warning`(seconds: String, isWarned: Bool) throws {
    let feed = try after(15, Self.patient.merging(["gaps.alarm_seconds": seconds]) { $1 }, faults: Self.silence)
    #expect(feed.notes.contains { $0.part == "gap" && $0.level == .warning } == isWarned)
  }

  @Test(arguments: ["1", "3"]) func `so many backfills run at a time`(count: String) throws {
    let feed = try after(
      3, ["gaps.max_concurrent_backfills": count, "gaps.backfill_batch_size": "5", "ingest.limit": "60"])
    #expect(feed.mostAtOnce == Int(count))
  }

  @Test(arguments: [("300", false), ("4", true)])
  func `a backfill that takes longer than its time is tried again`(seconds: String, isLate: Bool) throws {
    let slow = [Fault(.slow, atSeconds: 0, lastingSeconds: 60, amount: 10)]
    let feed = try after(2, ["gaps.backfill_timeout_seconds": seconds], faults: slow)
    #expect(feed.notes.contains { $0.message.contains("took too long") } == isLate)
  }

  @Test(arguments: ["7", "1000"]) func `a backfill asks for so many candles at once`(size: String) throws {
    let feed = try after(1, ["gaps.backfill_batch_size": size, "ingest.limit": "60", "gaps.recheck_minutes": "0"])
    let isSmall = feed.requests.contains { $0.path.contains("klines") && $0.path.contains("limit=7") }
    #expect(isSmall == (size == "7") && feed.series.counts.patched >= 59)
  }

  @Test(arguments: ["0", "15"]) func `so many minutes are asked for again after a connection`(minutes: String) throws {
    let feed = try after(1, ["gaps.recheck_minutes": minutes, "ingest.limit": "60"])
    let isAsked = feed.requests.contains { $0.path.contains("klines") && $0.path.contains("limit=15") }
    #expect(isAsked == (minutes == "15"))
  }

  @Test(arguments: [("30", true), ("3600", false)])
  func `a socket that is silent for longer is replaced`(seconds: String, isReplaced: Bool) throws {
    let feed = try after(15, ["link.silence_seconds": seconds], faults: Self.silence)
    #expect((feed.connects.count > 1) == isReplaced)
  }

  @Test(arguments: [("1430", 1), ("10", 3)])
  func `a socket is replaced at that age`(minutes: String, connects: Int) throws {
    let feed = try after(25, ["link.rotation_minutes": minutes])
    #expect(feed.connects.count == connects)
    for (connect, next) in zip(feed.connects, feed.connects.dropFirst()) {
      #expect((8...10).contains(next.minutes(since: connect)))
    }
  }

  @Test(arguments: [("250", true), ("1000", false)])
  func `a clock further away than that is a quality event`(milliseconds: String, isEvent: Bool) throws {
    let feed = try after(
      6, ["link.skew_alarm_milliseconds": milliseconds], faults: [Fault(.clock, atSeconds: 0, amount: 600)])
    #expect(feed.quality.contains { $0.type == "clock_skew" } == isEvent)
  }

  @Test(arguments: ["60", "20"]) func `an oracle is asked so often`(seconds: String) throws {
    let exchange = [
      "market.venue": "sim-chainlink", "chainlink.source": "on-chain", "chainlink.rpc_url": "http://x/rpc",
    ]
    let feed = try after(10, exchange.merging(["chainlink.poll_seconds": seconds]) { $1 }, at: "chainlink")
    let polls = feed.requests.count
    #expect((600 / Int(seconds)!...600 / Int(seconds)! + 1).contains(polls))
    #expect(feed.series.counts.ticks > 0, "\(feed.notes.suffix(3))")
  }

  // MARK: Quality

  private static let partial = [Fault(.partial, atSeconds: 0, lastingSeconds: 3600)]
  private static let quick = ["monitoring.window_minutes": "10", "ingest.limit": "1"]

  private func events(_ type: String, _ knobs: [String: String], faults: [Fault], minutes: Int = 20) throws -> Int {
    try after(minutes, Self.quick.merging(knobs) { $1 }, faults: faults).quality.count {
      $0.type == type && $0.resolvedAt == nil
    }
  }

  @Test(arguments: [("0.1", 1), ("1", 0)])
  func `more minutes that did not come live than that are an event`(bound: String, count: Int) throws {
    #expect(try events("missing", ["monitoring.missing_data_threshold": bound], faults: Self.partial) == count)
  }

  @Test(arguments: [("0.95", 1), ("0", 0)])
  func `fewer stored minutes than that are an event`(bound: String, count: Int) throws {
    let broken = Self.partial + [Fault(.status, atSeconds: 0, lastingSeconds: 3600, amount: 503)]
    let knobs = ["monitoring.completeness_threshold": bound]
    #expect(try events("completeness", knobs, faults: broken) == count)
  }

  @Test(arguments: [("300", 1), ("3000", 0)])
  func `data older than that is an event`(seconds: String, count: Int) throws {
    let knobs = Self.patient.merging(["monitoring.stale_data_seconds": seconds]) { $1 }
    #expect(try events("stale", knobs, faults: Self.silence) == count)
  }

  @Test(arguments: [("0.05", 1), ("1", 0)])
  func `a larger share of useless messages than that is an event`(bound: String, count: Int) throws {
    let damaged = [Fault(.malformed, atSeconds: 0, lastingSeconds: 3600, amount: 3)]
    #expect(try events("invalid", ["monitoring.invalid_values_threshold": bound], faults: damaged) == count)
  }

  @Test func `the window says how much is judged`() throws {
    let soon = try after(20, ["monitoring.window_minutes": "10"])
    let later = try after(20, ["monitoring.window_minutes": "60"])
    #expect(soon.series.quality.completeness != nil && later.series.quality.completeness == nil)
  }

  @Test func `quality is judged so often`() throws {
    let often = try after(4, ["monitoring.check_seconds": "60"])
    let seldom = try after(4, ["monitoring.check_seconds": "3600"])
    #expect(often.series.quality.staleSeconds != nil && seldom.series.quality.staleSeconds == nil)
  }

  // MARK: The rest

  @Test(arguments: [("true", true), ("false", false)])
  func `what was missed while nothing ran is fetched, or lost on record`(isOn: String, isFetched: Bool) throws {
    let first = try Recording.market().split.minute
    let series = Series("sim-binance:BTCUSDT")!
    let stored = LedgerRange(series, .minutes, first..<first + 10, .live, since: Timestamp(minute: first + 10))
    let knobs = ["system.enable_recovery": isOn, "gaps.recheck_minutes": "0"]
    let feed = try after(3, knobs, startingLate: 30, ledger: [stored])
    let lost = feed.ledger.filter { if case .lost = $0.state { true } else { false } }
    #expect(lost.map { $0.range } == (isFetched ? [] : [first + 10..<first + 30]))
    #expect((feed.series.counts.patched >= 19) == isFetched)
  }

  @Test(arguments: [("true", true), ("false", false)])
  func `trades and quotes become rows of the market data table`(isOn: String, isFilled: Bool) throws {
    let feed = try after(3, ["tape.market_data": isOn])
    #expect(feed.marketData.contains { $0.dataType == "trade" } == isFilled)
    #expect(feed.marketData.contains { $0.dataType == "quote" } == isFilled)
    #expect(feed.marketData.allSatisfy { $0.source == "synthetic" })
  }
}
