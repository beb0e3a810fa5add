import Dataset
import Market
import Settlement
import Storage
import TestSupport
import Testing

@testable import candlecast

/// What a store knows of an oracle's outcomes.
struct OutcomePricesTests {
  private static let series = Series(.chainlink, .bitcoinUSD)
  /// In the time of means over a minute.
  private static let start = Timestamp("2026-11-02T10:00:00Z")!

  private func ticks(seed: UInt64, minutes: Int) -> [OracleTick] {
    var random = SplitMix64(seed: seed)
    var units: Int128 = 65_000_000_000_000_000_000_000
    return (0..<minutes * 60).compactMap { second -> OracleTick? in
      units += Int128.random(
        in: -1_000_000_000_000_000_000...1_000_000_000_000_000_000, using: &random)
      // A hole that leaves the instant at its end without a value.
      guard !(1180..<1200).contains(second) else { return nil }
      return OracleTick(
        feed: Self.series.symbol, source: .relay,
        time: Self.start.adding(microseconds: Int64(second) * 1_000_000 + 250_000),
        price: OraclePrice(units: units))
    }
  }

  @Test func `instants are settled from the stored ticks, and sampled minutes are known`() throws {
    let folder = try TemporaryFolder()
    let store = try DuckDBStore(path: folder.path + "/s.duckdb")
    let ticks = ticks(seed: 3, minutes: 62)
    var batch = LiveBatch(knownAt: Self.start.adding(minutes: 100))
    batch.ticks = ticks.map {
      OracleTickRecord(venue: Self.series.venue, tick: $0, availableAt: $0.time)
    }
    batch.oracleMinutes = [3, 4].map { index in
      let price = ticks[index * 60].price
      let minute = OracleMinute(
        feed: Self.series.symbol, openTime: Self.start.adding(minutes: index), open: price,
        high: price, low: price,
        close: price, ticks: 60, isSampled: index == 4)
      return OracleMinuteRecord(
        venue: Self.series.venue, minute: minute, availableAt: minute.openTime.adding(minutes: 1))
    }
    try store.commit(batch)
    let outcomes = try OutcomePrices(Self.series, in: .all, asOf: .distantFuture, from: store)
    #expect(outcomes.sampled == [Self.start.adding(minutes: 4)])
    let path = TickPath(ticks)
    let rule = SettlementRule.timeWeightedMean(seconds: 60)
    let expected = stride(from: 0, through: 60, by: 5).compactMap { minute -> (Timestamp, OraclePrice)? in
      path.value(at: Self.start.adding(minutes: minute), rule: rule).map {
        (Self.start.adding(minutes: minute), $0)
      }
    }
    let instants = try #require(outcomes.instants)
    #expect(instants.map(\.time) == expected.map(\.0) && instants.map(\.price) == expected.map(\.1))
    #expect(
      instants.count == 11 && !instants.contains { $0.time == Self.start.adding(minutes: 20) })
    let again = try #require(outcomes.ticks)
    for (time, price) in expected { #expect(again.value(at: time, rule: rule) == price) }
    #expect(again.value(at: Self.start.adding(minutes: 20), rule: rule) == nil)
    let candles = RandomWalk()(seed: 1, count: 6).enumerated().map { index, candle in
      Candle(
        openTime: Self.start.adding(minutes: index), open: candle.open, high: candle.high,
        low: candle.low,
        close: candle.close)
    }
    #expect(outcomes.path(candles).close(minute: Self.start.minute + 4) == nil)
    #expect(
      outcomes.path(candles).close(minute: Self.start.minute + 3) == candles[3].close.doubleValue)
    let early = try OutcomePrices(Self.series, in: .all, asOf: Self.start, from: store)
    #expect(
      early.instants == nil && early.sampled.isEmpty && early.fingerprint != outcomes.fingerprint)
    let exchange = try OutcomePrices(
      Series(.binance, .btcusdt), in: .all, asOf: .distantFuture, from: store)
    #expect(exchange.instants == nil && exchange.sampled.isEmpty)
  }
}
