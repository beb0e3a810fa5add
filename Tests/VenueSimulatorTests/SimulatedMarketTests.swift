import Market
import TestSupport
import Testing

@testable import VenueSimulator

struct SimulatedMarketTests {
  @Test func `the split lies at the start, by whole minutes`() throws {
    let walk = RandomWalk()(seed: 1, count: 3000)
    let now = Timestamp(minute: 30_000_000).adding(microseconds: 12_345_678)
    let market = try SimulatedMarket([Stage.symbol: walk], .init(splitAt: now))
    #expect(market.split == Timestamp(minute: 30_000_000))
    #expect(market.end == market.split.adding(minutes: 1440))
    let series = market.series[0]
    #expect(series.candles.map(\.close) == walk.map(\.close))
    #expect(series.candles[3000 - 1440].openTime == market.split)
    let kept = try SimulatedMarket([Stage.symbol: walk], .init(streamedMicroseconds: 3_600_000_000))
    #expect(kept.end == walk.last?.closeTime)
    #expect(kept.split == walk.last?.closeTime.adding(minutes: -60))
  }

  @Test func `a minute's trades do not depend on when it is played`() throws {
    let walk = RandomWalk()(seed: 2, count: 100)
    let here = try SimulatedMarket([Stage.symbol: walk], .init(seed: 5))
    let there = try SimulatedMarket([Stage.symbol: walk], .init(splitAt: Timestamp(minute: 30_000_000), seed: 5))
    let other = try SimulatedMarket([Stage.symbol: walk], .init(seed: 6))
    func trades(_ market: SimulatedMarket) -> [Decimal8] { market.series[0].synthesis(50).trades.map(\.quantity) }
    #expect(trades(here) == trades(there))
    #expect(trades(here) != trades(other))
  }

  @Test func `ids go on from minute to minute`() throws {
    var walk = RandomWalk()(seed: 3, count: 50)
    walk.remove(at: 20)
    let series = try SimulatedMarket([Stage.symbol: walk]).series[0]
    var next: Int64 = 1
    for index in walk.indices {
      let minute = series.synthesis(index)
      #expect(minute.trades.first?.id == next)
      next += minute.candle.trades!
      #expect(series.index(ofTrade: minute.firstTradeId) == index)
      #expect(series.index(ofAggregate: minute.aggregates.last!.id) == index)
      #expect(series.index(containing: walk[index].openTime) == index)
    }
    #expect(series.index(ofTrade: next) == nil)
    #expect(series.index(containing: walk[19].closeTime) == nil)
    #expect(series.index(from: walk[19].closeTime) == 20)
  }

  @Test func `nothing and too much cannot be played`() throws {
    #expect(throws: SimulationError.noData) { try SimulatedMarket([:]) }
    var walk = RandomWalk()(seed: 3, count: 5)
    walk[2].high = Decimal8("20000000")!
    #expect(throws: SimulationError.unplayable(symbol: Stage.symbol, time: walk[2].openTime)) {
      try SimulatedMarket([Stage.symbol: walk])
    }
  }

  @Test(arguments: [
    ("1m", "2024-03-05T12:34:56Z", "2024-03-05T12:34Z", "2024-03-05T12:35Z"),
    ("4h", "2024-03-05T13:34:56Z", "2024-03-05T12:00Z", "2024-03-05T16:00Z"),
    ("1w", "2024-03-05T13:34:56Z", "2024-03-04", "2024-03-11"),
    ("1M", "2024-02-29T13:34:56Z", "2024-02-01", "2024-03-01"),
  ])
  func `bars begin where the venue's do`(name: String, time: String, start: String, end: String) {
    let interval = CandleInterval(binance: name)!
    #expect(interval.start(of: Timestamp(time)!) == Timestamp(start)!)
    #expect(interval.end(from: Timestamp(start)!) == Timestamp(end)!)
  }
}
