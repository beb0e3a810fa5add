import Evaluation
import FoundationEssentials
import Ingestion
import Market
import Settlement
import Storage
import Synchronization
import TestSupport
import Testing

@testable import candlecast

/// Audits of windows that settle on means of an oracle's observations.
@Suite struct OracleAuditTests {
  private static let series = Series(.chainlink, .bitcoinUSD)
  private static let view = MarketView(price: series)
  /// In the time of means over a minute.
  private static let start = Timestamp("2026-11-02T10:00:00Z")!
  private static let minutes = 640
  /// Observations a minute; the longest hole of a mean is five seconds.
  private static let perMinute = 20
  private static let minutesPerCommit = 16

  /// Observations, their minutes and candles, known some minutes later.
  private static func fill(_ folder: TemporaryFolder) throws -> DuckDBStore {
    let store = try DuckDBStore(path: folder.path + "/s.duckdb")
    var random = SplitMix64(seed: 4)
    var units: Int128 = 65_000_000_000_000_000_000_000
    for first in stride(from: 0, to: minutes, by: minutesPerCommit) {
      var batch = LiveBatch(knownAt: start.adding(minutes: first + minutesPerCommit))
      for minute in first..<first + minutesPerCommit {
        let openTime = start.adding(minutes: minute)
        let ticks = (0..<perMinute).map { index in
          units += Int128.random(in: -9_000_000_000_000_000_000...9_000_000_000_000_000_000, using: &random)
          return OracleTick(
            feed: series.symbol, source: .relay,
            time: openTime.adding(microseconds: Int64(index) * 60_000_000 / Int64(perMinute)),
            price: OraclePrice(units: units))
        }
        let prices = ticks.map(\.price)
        let made = OracleMinute(
          feed: series.symbol, openTime: openTime, open: prices[0], high: prices.max()!, low: prices.min()!,
          close: prices[perMinute - 1], ticks: perMinute, isSampled: minute.isMultiple(of: 97))
        let arrival = openTime.adding(minutes: 1)
        batch.ticks += ticks.map { OracleTickRecord(venue: series.venue, tick: $0, availableAt: $0.time) }
        batch.oracleMinutes.append(OracleMinuteRecord(venue: series.venue, minute: made, availableAt: arrival))
        let candle = try #require(made.candle)
        batch.candles.append(
          LiveCandle(
            series,
            CandleRecord(
              candle: candle, availableAt: arrival, knownAt: arrival, provenance: .live, isAvailabilityAssumed: false)))
      }
      try store.commit(batch)
    }
    return store
  }

  @Test(arguments: ["leakage", "parity"])
  func `an oracle's windows pass the audits`(what: String) throws {
    let folder = try TemporaryFolder()
    _ = try Self.fill(folder)
    let output = Mutex("")
    let error = Mutex("")
    let program = Program(
      environment: ProcessInfo.processInfo.environment, output: { text in output.withLock { $0 += text } },
      error: { text in error.withLock { $0 += text } })
    let code = program.run([
      "audit", what, "--store", "duckdb:\(folder.path)/s.duckdb", "--models", folder.path + "/models", "--view",
      "\(Self.view)", "--target", "window-15m",
    ])
    #expect(code == .done, "\(output.withLock { $0 }) \(error.withLock { $0 })")
  }

  @Test func `the windows' labels are there, and tell what is known by the moment`() throws {
    let folder = try TemporaryFolder()
    let store = try Self.fill(folder)
    var events: [MarketEvent] = []
    try store.readEvents(Self.view, in: .all) { events.append($0) }
    let cut = Self.start.adding(minutes: 600)
    let target = PredictionTarget.window(lengthMinutes: 15)
    var subject = StoredDataSubject(view: Self.view, target: target, version: nil)
    #expect(throws: SettlementError.self) { try subject.artefacts(from: events, by: cut) }
    subject.outcomes[cut] = try OutcomePrices(Self.series, in: Self.start..<cut, asOf: cut, from: store)
    let labels = try subject.artefacts(from: events, by: cut).filter { $0.name == "label window-15m" }
    let newest = try #require(labels.compactMap(\.time).max())
    // What was observed in the last minutes is not known yet.
    #expect(newest <= cut.adding(minutes: -Self.minutesPerCommit / 2) && newest >= cut.adding(minutes: -50))
    #expect(labels.count > 20)
  }
}
