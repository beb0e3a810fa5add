import Market
import TestSupport
import Testing
import Venues

@testable import VenueSimulator

struct VenueStreamTests {
  private static let all: Set<Channel> = [.klines, .trades, .quotes, .books]

  @Test(arguments: Soak.seeds(3)) func `Binance's streams tell every minute and every trade`(seed: UInt64) throws {
    var stage = try Stage(seed: seed, streamed: 10)
    let binance = BinanceProtocol(usesMicroseconds: true)
    let outputs = try stage.play("binance", binance.sockets(for: [Stage.symbol], Self.all, now: stage.market.split))
    let messages = try outputs.messages(binance)
    let truth = stage.truth().filter { $0.openTime >= stage.market.split }
    #expect(messages.closedCandles == truth)
    #expect(candles(of: messages.trades) == truth)
    #expect(zip(messages.trades, messages.trades.dropFirst()).allSatisfy { $0.id + 1 == $1.id })
    #expect(zip(outputs, outputs.dropFirst()).allSatisfy { $0.time <= $1.time })
  }

  @Test func `single trades are told one by one`() throws {
    var stage = try Stage(streamed: 5)
    let binance = BinanceProtocol(tradeStream: .single, usesMicroseconds: true)
    let plans = binance.sockets(for: [Stage.symbol], [.trades], now: stage.market.split)
    let trades = try stage.play("binance", plans).messages(binance).trades
    #expect(candles(of: trades) == stage.truth().suffix(5).map(\.self))
    #expect(zip(trades, trades.dropFirst()).allSatisfy { $0.id + 1 == $1.id })
  }

  @Test func `binary streams say the same`() throws {
    var stage = try Stage(streamed: 5)
    let binary = BinanceSBEProtocol(apiKey: "key")
    let plans = binary.sockets(for: [Stage.symbol], [.trades, .quotes], now: stage.market.split)
    let messages = try stage.play("binance-sbe", plans).messages(binary)
    #expect(candles(of: messages.trades) == stage.truth().suffix(5).map(\.self))
    let refused = stage.venues[stage.index("binance-sbe")].open(
      9, path: "/ws/btcusdt@trade", headers: [], at: stage.market.split)
    #expect(refused != .accepted)
  }

  @Test(arguments: ["binance", "bybit", "coinbase", "coinbase-exchange"])
  func `a book that is kept from changes is never crossed`(venue: String) throws {
    var stage = try Stage(streamed: 5)
    let start = stage.market.split
    let feed: any FeedProtocol =
      switch venue {
      case "binance": BinanceProtocol()
      case "bybit": BybitProtocol()
      case "coinbase": CoinbaseAdvancedProtocol()
      default: CoinbaseExchangeProtocol()
      }
    let name = venue.hasPrefix("coinbase") ? Symbol("BTC-USD")! : Stage.symbol
    let outputs = try stage.play(venue, feed.sockets(for: [name], [.books], now: start))
    var book = OrderBook(venue == "binance" ? .ranges : venue == "bybit" ? .steps : .none)
    if venue == "binance" {
      let late = start.adding(microseconds: 2_000_000)
      let snapshot = stage.venues[0].bookSnapshot(Stage.symbol, at: late)!
      #expect(book.apply(snapshot) == .applied)
    }
    var changes = 0
    for case .book(_, let update) in try outputs.messages(feed) {
      let outcome = book.apply(update)
      #expect(outcome == .applied || outcome == .ignored, "\(outcome)")
      if let bid = book.bestBid, let ask = book.bestAsk { #expect(bid.price < ask.price) }
      changes += 1
    }
    #expect(changes > 100)
    let last = stage.venues[0].bookSnapshot(Stage.symbol, at: stage.market.end)!
    #expect(book.bids() == last.bids)
    #expect(book.asks() == last.asks)
  }

  @Test func `Bybit confirms every minute`() throws {
    var stage = try Stage(streamed: 5)
    let bybit = BybitProtocol()
    let outputs = try stage.play("bybit", bybit.sockets(for: [Stage.symbol], Self.all, now: stage.market.split))
    let messages = try outputs.messages(bybit)
    #expect(messages.closedCandles.map(\.bare) == stage.candles.suffix(5).map(\.bare))
    let minutes = candles(of: messages.trades)
    #expect(minutes.map(\.volume) == stage.candles.suffix(5).map(\.volume))
    #expect(minutes.map(\.trades) == stage.candles.suffix(5).map(\.trades))
  }

  @Test(arguments: ["coinbase", "coinbase-exchange"]) func `Coinbase's trades make the minutes`(venue: String) throws {
    var stage = try Stage(streamed: 5)
    let feed: any FeedProtocol = venue == "coinbase" ? CoinbaseAdvancedProtocol() : CoinbaseExchangeProtocol()
    let start = stage.market.split
    let outputs = try stage.play(venue, feed.sockets(for: [Symbol("BTC-USD")!], [.trades, .quotes], now: start))
    let messages = try outputs.messages(feed)
    // The first messages repeat what came before.
    let trades = messages.trades.filter { $0.time >= start }
    #expect(candles(of: trades) == stage.truth().suffix(5).map(\.self))
    #expect(messages.contains { if case .heartbeat = $0 { true } else { false } })
    if venue == "coinbase" {
      let advanced = CoinbaseAdvancedProtocol()
      let numbers = outputs.compactMap { output -> Int64? in
        guard case .frame(_, _, let bytes, _) = output else { return nil }
        return bytes.withUnsafeBufferPointer { advanced.sequence(of: $0) }
      }
      #expect(numbers == (0..<Int64(numbers.count)).map(\.self))
    }
  }

  @Test func `an oracle's ticks come by report and by both relays`() throws {
    var stage = try Stage(streamed: 3)
    let feed = Symbol("BTC/USD")!
    let start = stage.market.split
    var expected: [OracleTick] = []
    for minute in 0..<3 { expected += stage.venues[0].ticks(of: Stage.symbol, minute: start.adding(minutes: minute)) }
    let credentials = DataStreamsCredentials(
      apiKey: VenueSet.Credentials.apiKey, secret: Secret(VenueSet.Credentials.secret))
    let streams = DataStreamsProtocol(streams: [.init(.bitcoin, feed)], credentials: credentials)
    let plans = streams.sockets(for: [feed], [.ticks], now: start)
    #expect(try stage.play("chainlink", plans).messages(streams).ticks == expected)
    let relay = RelayProtocol()
    let relayed = try stage.play("rtds", relay.sockets(for: [feed], [.ticks], now: start)).messages(relay).ticks
    let prices = relayed.filter { $0.quantity == .price && $0.time >= start }
    #expect(prices.map(\.price) == expected.prefix(prices.count).map(\.price))
    // Nothing more comes where no PING was sent for two minutes.
    #expect((100...125).contains(prices.count))
    #expect(relayed.contains { $0.quantity == .timeWeightedMean(seconds: 60) })
    let bolt = PolyBoltProtocol(
      credentials: .init(apiKey: "a", secret: Secret("b"), passphrase: Secret("c")))
    let means = try stage.play("polybolt", bolt.sockets(for: [feed], [.ticks], now: start)).messages(bolt).ticks
    let last = expected.last!.time
    let window = expected.filter { $0.time > last.adding(microseconds: -60_000_000) }
    #expect(means.last?.price.units == window.reduce(0) { $0 + $1.price.units } / Int128(window.count))
  }

  @Test func `a book of fifty levels has fifty, and its changes keep it so`() throws {
    var stage = try Stage(streamed: 5)
    let plan = SocketPlan(
      path: "/v5/public/spot", greetings: [#"{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}"#])
    var sides: [[Decimal8: Decimal8]] = [[:], [:]]
    let updates = try stage.play("bybit", [plan]).messages(BybitProtocol()).compactMap { message -> BookUpdate? in
      if case .book(_, let update) = message { update } else { nil }
    }
    #expect(updates.count > 100)
    for update in updates {
      if update.isSnapshot { sides = [[:], [:]] }
      for (side, levels) in [update.bids, update.asks].enumerated() {
        for level in levels { sides[side][level.price] = level.quantity == .zero ? nil : level.quantity }
        #expect(sides[side].count == 50)
      }
    }
  }

  @Test func `control messages are answered as documented`() throws {
    var stage = try Stage()
    let start = stage.market.split
    #expect(stage.venues[0].open(1, path: "/ws", headers: [], at: start) == .accepted)
    func ask(_ text: String, after seconds: Int64) -> [String] {
      stage.venues[0].receive(Array(text.utf8), from: 1, at: start.adding(microseconds: seconds * 1_000_000))
      return stage.venues[0].advance(to: start.adding(microseconds: seconds * 1_000_000)).texts
    }
    #expect(
      ask(#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","nope@x"],"id":1}"#, after: 0)
        == [#"{"result":null,"id":1}"#])
    #expect(
      ask(#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#, after: 0) == [
        #"{"result":["btcusdt@aggTrade","nope@x"],"id":3}"#
      ])
    #expect(
      ask(#"{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":"a"}"#, after: 0) == [
        #"{"result":null,"id":"a"}"#
      ])
    #expect(ask("{", after: 0).first?.hasPrefix(#"{"code":3,"#) == true)
    #expect(
      ask(#"{"method":"SUBSCRIB","id":1}"#, after: 0).first?.hasPrefix(#"{"code":2,"msg":"Invalid request: unknown"#)
        == true)
    stage.venues[0].receive(Array("{}".utf8), from: 1, at: start)
    #expect(stage.venues[0].advance(to: start).closings == [1008])
  }

  @Test func `the same seed sends the same bytes`() throws {
    func run() throws -> [SimulatedOutput] {
      var stage = try Stage(seed: 9, streamed: 5, faults: FaultPlan.random(perHour: 60, lastingSeconds: 300, seed: 9))
      let binance = BinanceProtocol()
      return try stage.play("binance", binance.sockets(for: [Stage.symbol], Self.all, now: stage.market.split))
    }
    #expect(try run() == run())
  }

  @Test func `advancing in small steps tells the same`() throws {
    var (whole, pieces) = (try Stage(streamed: 3), try Stage(streamed: 3))
    let binance = BinanceProtocol()
    let plans = binance.sockets(for: [Stage.symbol], Self.all, now: whole.market.split)
    let expected = try whole.play("binance", plans)
    var outputs = try pieces.play("binance", plans, to: pieces.market.split)
    var now = pieces.market.split
    while now < pieces.market.end.adding(microseconds: 5_000_000) {
      now = now.adding(microseconds: 37_000)
      outputs += pieces.venues[0].advance(to: min(now, pieces.market.end.adding(microseconds: 5_000_000)))
    }
    #expect(outputs == expected)
  }
}
