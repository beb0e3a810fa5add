import Market
import Testing
import Venues

@Suite struct BinanceRequestTests: BinanceSuite {
  private let binance = BinanceProtocol()
  private let us = BinanceProtocol(venue: Venue("binance-us")!, flavour: .us, usesMicroseconds: true)
  private let range = Timestamp("2024-01-01")!..<Timestamp("2024-01-01T01:00:00Z")!

  // MARK: Sockets

  @Test func `one socket brings all streams of a few symbols`() {
    let plans = binance.sockets(
      for: [.btcusdt, sym("ETHUSDT")], [.klines, .trades, .quotes, .books, .ticks], now: range.lowerBound)
    let streams = ["btcusdt", "ethusdt"].flatMap { symbol in
      ["kline_1m", "aggTrade", "bookTicker", "depth@100ms"].map { "\(symbol)@\($0)" }
    }
    #expect(
      plans == [SocketPlan(path: "/stream?streams=" + streams.joined(separator: "/"), lifetimeSeconds: 86_400)])
  }

  @Test func `single trades and microseconds are a choice`() {
    let binance = BinanceProtocol(tradeStream: .single, usesMicroseconds: true)
    #expect(
      binance.sockets(for: [.btcusdt], [.trades], now: range.lowerBound).map(\.path)
        == ["/stream?streams=btcusdt@trade&timeUnit=MICROSECOND"])
    #expect(
      us.sockets(for: [.btcusdt], [.trades], now: range.lowerBound).map(\.path) == [
        "/stream?streams=btcusdt@aggTrade"
      ])
  }

  @Test(arguments: [1, 199, 200, 201, 1000, 1001, 1024, 1025, 2500])
  func `no socket has more streams or messages than Binance allows`(count: Int) {
    let symbols = (0..<count).map { sym("S\($0)") }
    let plans = binance.sockets(for: symbols, [.quotes], now: range.lowerBound)
    var streams: [Substring] = []
    for plan in plans {
      let inPath = plan.path.dropFirst("/stream?streams=".count).split(separator: "/")
      let inMessages = plan.greetings.map { text in
        text.split(separator: "[")[1].split(separator: "]")[0].split(separator: ",").map { $0.dropFirst().dropLast() }
      }
      #expect(([inPath] + inMessages).allSatisfy { (1...200).contains($0.count) })
      #expect(plan.greetings.count <= 4)
      let all = inPath + inMessages.joined()
      #expect(all.count <= 1024)
      streams += all
    }
    #expect(streams == (0..<count).map { "s\($0)@bookTicker" })
  }

  @Test func `no channel is no socket`() {
    #expect(binance.sockets(for: [.btcusdt], [.ticks], now: range.lowerBound).isEmpty)
    #expect(binance.sockets(for: [], [.klines], now: range.lowerBound).isEmpty)
  }

  @Test func `a subscription is what Binance documents`() throws {
    let symbols = (0..<202).map { sym("S\($0)") }
    let plan = try #require(binance.sockets(for: symbols, [.quotes], now: range.lowerBound).first)
    #expect(plan.greetings == [#"{"method":"SUBSCRIBE","params":["s200@bookTicker","s201@bookTicker"],"id":1}"#])
  }

  // MARK: Requests

  @Test func `minutes are asked for by open time`() {
    let request = binance.candlesRequest(.btcusdt, range, limit: 5000)
    let query = "symbol=BTCUSDT&interval=1m&startTime=1704067200000&endTime=1704070799999&limit=1000"
    #expect(request == VenueRequest(.get, "/api/v3/klines?" + query, weight: 2))
    #expect(us.candlesRequest(.btcusdt, range, limit: 1).weight == 1)
  }

  @Test func `a range that is not of whole milliseconds loses none of them and adds none`() {
    let range = Timestamp(microseconds: 1001)..<Timestamp(microseconds: 3001)
    #expect(
      binance.aggregateTradesRequest(.btcusdt, range, limit: 0).path
        == "/api/v3/aggTrades?symbol=BTCUSDT&startTime=2&endTime=3&limit=1")
    let all = Timestamp.distantPast..<Timestamp.distantFuture
    #expect(
      binance.aggregateTradesRequest(.btcusdt, all, limit: 7).path
        == "/api/v3/aggTrades?symbol=BTCUSDT&startTime=1&endTime=9999999999999&limit=7")
  }

  @Test func `trades are asked for in the ids of the stream`() {
    #expect(
      binance.tradesRequest(.btcusdt, from: 42, limit: 1000)
        == VenueRequest(.get, "/api/v3/aggTrades?symbol=BTCUSDT&fromId=42&limit=1000", weight: 4))
    #expect(
      BinanceProtocol(tradeStream: .single).tradesRequest(.btcusdt, from: 42, limit: 10)
        == VenueRequest(.get, "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=42&limit=10", weight: 25))
  }

  @Test(arguments: [
    (1, 5, 1), (100, 5, 1), (101, 25, 5), (500, 25, 5), (1000, 50, 10), (1001, 250, 50), (9999, 250, 50),
  ])
  func `a book costs by its depth`(limit: Int, weight: Int, usWeight: Int) {
    let request = binance.bookRequest(.btcusdt, limit: limit)
    #expect(request.path == "/api/v3/depth?symbol=BTCUSDT&limit=\(min(limit, 5000))")
    #expect(request.weight == weight)
    #expect(us.bookRequest(.btcusdt, limit: limit).weight == usWeight)
  }

  @Test func `tickers cost by their number`() {
    let two = [Symbol.btcusdt, sym("ETHUSDT")]
    #expect(binance.pricesRequest(two).path == "/api/v3/ticker/price?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D")
    #expect([[], [.btcusdt], two].map { binance.pricesRequest($0).weight } == [4, 2, 4])
    #expect([[], [.btcusdt], two].map { binance.quotesRequest($0).weight } == [4, 2, 4])
    let counts = [0, 1, 20, 21, 100, 101]
    let weights = counts.map { binance.daysRequest([Symbol](repeating: .btcusdt, count: $0)).weight }
    #expect(weights == [80, 2, 2, 40, 40, 80])
    #expect(binance.daysRequest().path == "/api/v3/ticker/24hr")
    #expect(binance.exchangeInfoRequest().weight == 20)
    #expect(binance.pingRequest() == VenueRequest(.get, "/api/v3/ping"))
  }

  @Test func `microseconds are asked for in a header, where there are any`() {
    let header = VenueHeader("X-MBX-TIME-UNIT", "MICROSECOND")
    #expect(BinanceProtocol(usesMicroseconds: true).timeRequest().headers == [header])
    #expect(us.timeRequest().headers.isEmpty)
    #expect(binance.timeRequest().headers.isEmpty)
  }
}
