import Market
import TestSupport
import Testing

/// Public client libraries read a simulator of which they know nothing but its address.
@Suite(.serialized, .timeLimit(.minutes(Soak.minutes(5)))) struct ClientTests {
  @Test func `ccxt's binance sees what the simulated venue is made of`() async throws {
    let stage = try ClientStage(seed: 1)
    let seen = try await stage.look(with: "binance", at: "binance")
    #expect(seen.markets == ["BTC/USDT"])
    #expect(seen.time == stage.still.milliseconds)
    stage.expectCandles(seen, columns: .prices)
    stage.expectAggregates(seen.trades, count: 50)
    stage.expectStill(seen.book, levels: 50)
    stage.expect(seen.ticker, at: stage.still, without: [])
    stage.expectStream(seen.stream, columns: .prices, books: .byId(levels: 100), tickersWithout: [\.bid, \.ask])
    stage.expectQuotes(seen.stream.quotes)
  }

  @Test func `ccxt's binanceus sees what the simulated venue is made of`() async throws {
    let stage = try ClientStage(seed: 2)
    let seen = try await stage.look(with: "binanceus", at: "binanceus")
    #expect(seen.markets == ["BTC/USDT"])
    #expect(seen.time == stage.still.milliseconds)
    stage.expectCandles(seen, columns: .prices)
    stage.expectAggregates(seen.trades, count: 50)
    stage.expectStill(seen.book, levels: 50)
    stage.expect(seen.ticker, at: stage.still, without: [])
    stage.expectStream(seen.stream, columns: .prices, books: .byId(levels: 100), tickersWithout: [\.bid, \.ask])
    stage.expectQuotes(seen.stream.quotes)
  }

  @Test func `ccxt's coinbaseexchange sees what the simulated venue is made of`() async throws {
    let stage = try ClientStage(seed: 3)
    let seen = try await stage.look(with: "coinbaseexchange", at: "coinbase-exchange")
    #expect(seen.markets == ["BTC/USD", "BTC/USDC", "BTC/USDT"])
    #expect(seen.time == stage.still.milliseconds)
    stage.expectCandles(seen, columns: .prices)
    stage.expectTrades(seen.trades, count: 50)
    stage.expectStill(seen.book, levels: 100)
    let absent: [KeyPath<ClientReport.Ticker, Double?>] = [\.open, \.high, \.low, \.quoteVolume]
    stage.expect(seen.ticker, at: stage.still, without: absent)
    stage.expectStream(
      seen.stream, columns: nil, books: .byTime(levels: 100), tickersWithout: [\.quoteVolume], isTickerOfTrade: true)
  }

  @Test func `ccxt's bybit sees what the simulated venue is made of`() async throws {
    let stage = try ClientStage(seed: 4)
    let seen = try await stage.look(with: "bybit", at: "bybit")
    #expect(seen.markets == ["BTC/USDT"])
    #expect(seen.time == stage.still.milliseconds)
    stage.expectCandles(seen, columns: .prices)
    stage.expectTrades(seen.trades, count: 50)
    stage.expectStill(seen.book, levels: 50)
    stage.expect(seen.ticker, at: stage.still, without: [])
    stage.expectStream(seen.stream, columns: .prices, books: .byTime(levels: 50), tickersWithout: [\.bid, \.ask])
    stage.expectQuotes(seen.stream.quotes)
  }

  @Test func `python-binance sees what the simulated venue is made of`() async throws {
    let stage = try ClientStage(seed: 5)
    let seen = try await stage.look(with: "python-binance", at: "binance")
    #expect(seen.markets == ["BTCUSDT"])
    #expect(seen.time == stage.still.milliseconds)
    stage.expectCandles(seen, columns: .all)
    stage.expectTrades(seen.trades, count: 500)
    stage.expectAggregates(try #require(seen.aggregates), count: nil)
    stage.expectStill(seen.book, levels: 100)
    stage.expect(seen.ticker, at: stage.still, without: [])
    stage.expectStream(seen.stream, columns: .all, books: .byId(levels: 20), tickersWithout: [])
    stage.expectQuotes(seen.stream.quotes)
  }
}
