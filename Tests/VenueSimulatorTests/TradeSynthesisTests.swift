import Market
import TestSupport
import Testing

@testable import VenueSimulator

struct TradeSynthesisTests {
  private static func minute(_ candle: Candle, _ grid: PriceGrid, seed: UInt64) -> SynthesisedMinute {
    let synthesis = TradeSynthesis(grid: grid, seed: seed)
    return synthesis.minute(synthesis.completed(candle), firstTradeId: 1000, firstAggregateId: 50)
  }

  /// Everything that must hold whatever the candle; returns whether the quote amounts are exact as well.
  @discardableResult
  private func check(_ minute: SynthesisedMinute, of candle: Candle) -> Bool {
    let trades = minute.trades
    let whole = minute.candle
    #expect(trades.first?.price == candle.open)
    #expect(trades.last?.price == candle.close)
    #expect(trades.map(\.price).max() == candle.high)
    #expect(trades.map(\.price).min() == candle.low)
    #expect(trades.map(\.id) == Array(1000..<1000 + (whole.trades ?? 0)))
    #expect(trades.allSatisfy { $0.quantity.units > 0 })
    #expect(zip(trades, trades.dropFirst()).allSatisfy { $0.time <= $1.time })
    #expect(trades.allSatisfy { $0.time >= candle.openTime && $0.time < candle.closeTime })
    #expect(trades.reduce(0) { $0 + $1.quantity.units } == whole.volume?.units)
    let bought = trades.filter(\.isTakerBuyer)
    #expect(bought.reduce(0) { $0 + $1.quantity.units } == whole.takerBuyBase?.units)
    #expect(minute.aggregates.count <= 200)
    func amount(_ trades: [Trade]) -> Int128 { trades.reduce(0) { $0 + $1.price.units * $1.quantity.units } }
    let error = amount(trades) - (whole.quoteVolume?.units ?? 0) * 100_000_000
    let boughtError = amount(bought) - (whole.takerBuyQuote?.units ?? 0) * 100_000_000
    return abs(error) < 100_000_000 && abs(boughtError) < 100_000_000
  }

  @Test(arguments: Soak.seeds(40)) func `trades add up to their candle`(seed: UInt64) {
    let candles = RandomWalk()(seed: seed, count: 20)
    let grid = PriceGrid(of: candles)
    for candle in candles {
      // The walk's amounts are of one price, which its own range may not allow.
      var candle = candle
      (candle.quoteVolume, candle.takerBuyQuote) = (nil, nil)
      let minute = Self.minute(candle, grid, seed: seed)
      #expect(minute.candle.trades == candle.trades)
      #expect(minute.candle.volume == candle.volume)
      #expect(check(minute, of: candle), "\(candle)")
    }
  }

  @Test(arguments: Soak.seeds(40)) func `real amounts come back exactly`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let grid = PriceGrid(tick: 1_000_000, step: 1000)
    for _ in 0..<20 {
      // A minute that was really made of trades, of few and of many.
      let count = [1, 2, 3, 4, 5, 8, 20, 100, 700][Int(random.next() % 9)]
      var price = Int64.random(in: 4_000_000...4_100_000, using: &random)
      var sums = (volume: Int64(0), bought: Int64(0), quote: Int128(0), boughtQuote: Int128(0))
      var prices: [Int64] = []
      for _ in 0..<count {
        price += Int64.random(in: -300...300, using: &random)
        let steps = Int64.random(in: 1...50_000, using: &random)
        prices.append(price)
        sums.volume += steps
        sums.quote += Int128(steps) * Int128(price)
        if random.next() % 2 == 0 {
          sums.bought += steps
          sums.boughtQuote += Int128(steps) * Int128(price)
        }
      }
      let candle = Candle(
        openTime: Timestamp(minute: 28_000_000), open: grid.price(prices[0]), high: grid.price(prices.max()!),
        low: grid.price(prices.min()!), close: grid.price(prices.last!), volume: grid.quantity(sums.volume),
        quoteVolume: grid.quoteAmount(sums.quote), trades: Int64(count), takerBuyBase: grid.quantity(sums.bought),
        takerBuyQuote: grid.quoteAmount(sums.boughtQuote))
      let minute = Self.minute(candle, grid, seed: seed)
      #expect(minute.candle == candle)
      let isExact = check(minute, of: candle)
      // With few trades of one side there may be none that have its amount to the last place.
      #expect(isExact || count < 100, "\(candle)")
    }
  }

  @Test func `a quiet minute has no trades`() {
    let price = Decimal8("42000.5")!
    let candle = Candle(
      openTime: Timestamp(minute: 28_000_000), open: price, high: price, low: price, close: price, volume: .zero,
      trades: 0)
    let minute = Self.minute(candle, PriceGrid(of: [candle]), seed: 1)
    #expect(minute.aggregates.isEmpty)
    #expect(minute.candle.takerBuyBase == .zero && minute.candle.quoteVolume == .zero)
  }

  @Test(arguments: Soak.seeds(20)) func `a file of prices and volumes is filled in`(seed: UInt64) {
    let candles = RandomWalk()(seed: seed, count: 20).map {
      Candle(openTime: $0.openTime, open: $0.open, high: $0.high, low: $0.low, close: $0.close, volume: $0.volume)
    }
    let grid = PriceGrid(of: candles)
    for candle in candles {
      let minute = Self.minute(candle, grid, seed: seed)
      #expect(minute.candle.violation == nil)
      #expect((20...60).contains(minute.candle.trades ?? 0))
      #expect(check(minute, of: candle))
    }
  }

  @Test func `columns that contradict each other are played as near as they can be`() {
    let (low, high) = (Decimal8("99.5")!, Decimal8("101")!)
    var candle = Candle(
      openTime: Timestamp(minute: 28_000_000), open: Decimal8("100")!, high: high, low: low, close: Decimal8("100.5")!,
      volume: Decimal8("2")!, quoteVolume: Decimal8("50")!, trades: 1, takerBuyBase: Decimal8("1")!)
    let minute = Self.minute(candle, PriceGrid(tick: 10_000_000, step: 1_000_000), seed: 3)
    #expect(minute.candle.trades == 4)
    #expect(!check(minute, of: candle))
    candle.volume = Decimal8("0.00000001")!
    candle.takerBuyBase = nil
    let tiny = Self.minute(candle, PriceGrid(tick: 10_000_000, step: 1), seed: 3)
    #expect(tiny.trades.reduce(0) { $0 + $1.quantity.units } == 1)
  }

  @Test(arguments: Soak.seeds(10)) func `the open minute grows to the candle`(seed: UInt64) {
    let candle = RandomWalk()(seed: seed, count: 1)[0]
    let minute = Self.minute(candle, PriceGrid(of: [candle]), seed: seed)
    var volume: Int128 = 0
    for second in 1...59 {
      let time = candle.openTime.adding(microseconds: Int64(second) * 1_000_000)
      guard let partial = minute.candle(upTo: time) else { continue }
      let trades = minute.trades.filter { $0.time <= time }
      #expect(partial.trades == Int64(trades.count))
      #expect(partial.close == trades.last?.price)
      #expect(partial.volume?.units == trades.reduce(0) { $0 + $1.quantity.units })
      #expect(partial.violation == nil)
      #expect((partial.volume?.units ?? 0) >= volume)
      volume = partial.volume?.units ?? 0
    }
    #expect(minute.candle(upTo: candle.closeTime) == minute.candle)
  }

  @Test(arguments: Soak.seeds(10)) func `an oracle sees prices of the minute and last its close`(seed: UInt64) {
    let candle = RandomWalk()(seed: seed, count: 1)[0]
    let minute = Self.minute(candle, PriceGrid(of: [candle]), seed: seed)
    let ticks = OracleSynthesis(seed: seed, feed: Symbol("BTC/USD")!).ticks(of: minute)
    #expect((50...60).contains(ticks.count))
    #expect(ticks.last?.price == OraclePrice(candle.close))
    #expect(ticks.allSatisfy { OraclePrice(candle.low) <= $0.price && $0.price <= OraclePrice(candle.high) })
    #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0.time < $1.time })
  }
}
