import Market
import TestSupport
import Testing
import Venues

struct CoinbaseExchangeTests {
  private let coinbase = CoinbaseExchangeProtocol()
  private let samples = VenueSamples(folder: "coinbase")
  private let product = Symbol("BTC-USD")!
  private let noon = Timestamp("2025-01-01T12:00:00Z")!

  private func dec(_ text: String) -> Decimal8 { Decimal8(text)! }

  private func level(_ price: String, _ quantity: String) -> BookUpdate.Level {
    .init(price: dec(price), quantity: dec(quantity))
  }

  private func answer(_ text: String, status: Int = 200) -> VenueAnswer {
    VenueAnswer(status: status, body: Array(text.utf8))
  }

  @Test func `names have a hyphen`() {
    let names = ["BTCUSDT": "BTC-USDT", "ADAUSD": "ADA-USD", "BTC-USD": "BTC-USD", "HBARUSDC": "HBAR-USDC", "X": "X"]
    for (name, product) in names { #expect(coinbase.name(of: Symbol(name)!).name == product) }
  }

  @Test func `one subscription names products and channels`() throws {
    let plans = coinbase.sockets(for: [product, Symbol("ETH-USD")!], [.trades, .quotes, .books], now: noon)
    #expect(plans.map(\.path) == ["/"])
    #expect(
      plans[0].greetings == [
        #"{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channels":["matches","ticker","level2_batch","heartbeat"]}"#
      ])
    #expect(coinbase.sockets(for: [product], [.klines, .ticks], now: noon).isEmpty)
    #expect(coinbase.sockets(for: [], [.trades], now: noon).isEmpty)
  }

  @Test func `the side of a match is the maker's`() throws {
    let trade = Trade(
      id: 10, time: Timestamp("2014-11-07T08:19:27.028459Z")!, price: dec("400.23"), quantity: dec("5.23512"),
      isTakerBuyer: true)
    #expect(try coinbase.messages(samples.bytes("exchange_match")) == [.trade(product, trade)])
  }

  @Test func `a heartbeat names the last trade`() throws {
    let time = Timestamp("2014-11-07T08:19:28.464459Z")!
    #expect(
      try coinbase.messages(samples.bytes("exchange_heartbeat")) == [.heartbeat(product, time: time, lastTradeId: 20)])
  }

  @Test func `answers to a subscription`() throws {
    #expect(try coinbase.messages(#"{"type":"subscriptions","channels":[]}"#) == [.control(.accepted)])
    let refusal = #"{"type":"error","message":"Failed to subscribe","reason":"NO-SUCH is not a valid product"}"#
    let reason = "Failed to subscribe: NO-SUCH is not a valid product"
    #expect(try coinbase.messages(refusal) == [.control(.refused(reason: reason))])
    #expect(throws: VenueError.unknown(kind: "subscribe")) {
      try coinbase.messages(samples.bytes("exchange_subscribe"))
    }
  }

  @Test func `a ticker is a quote, members in any order`() throws {
    let text = """
      {"sequence":37475248783,"product_id":"ETH-USD","price":"1285.22","best_bid":"1285.04","best_bid_size":"0.46688654",
      "best_ask":"1285.27","best_ask_size":"1.56637040","side":"buy","time":"2022-10-19T23:28:22.061769Z","type":"ticker"}
      """
    let quote = Quote(
      updateId: 37_475_248_783, time: Timestamp("2022-10-19T23:28:22.061769Z")!, bidPrice: dec("1285.04"),
      bidQuantity: dec("0.46688654"), askPrice: dec("1285.27"), askQuantity: dec("1.5663704"))
    #expect(try coinbase.messages(text) == [.quote(Symbol("ETH-USD")!, quote)])
  }

  @Test func `a book is a snapshot and its changes`() throws {
    let snapshot =
      #"{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.450541"]],"asks":[["10102.55","0.5"]]}"#
    let change = """
      {"type":"l2update","product_id":"BTC-USD","time":"2022-08-04T15:25:05.010758Z",
      "changes":[["buy","10101.80","0.162567"],["sell","10102.55","0"]]}
      """
    #expect(
      try coinbase.messages(snapshot) == [
        .book(
          product,
          BookUpdate(
            isSnapshot: true, firstId: nil, lastId: nil, bids: [level("10101.10", "0.450541")],
            asks: [level("10102.55", "0.5")]))
      ])
    #expect(
      try coinbase.messages(change) == [
        .book(
          product,
          BookUpdate(
            isSnapshot: false, firstId: nil, lastId: nil, time: Timestamp("2022-08-04T15:25:05.010758Z")!,
            bids: [level("10101.80", "0.162567")], asks: [level("10102.55", "0")]))
      ])
  }

  @Test func `candles are low, high, open, close, newest first, and may have noise of floating point`() throws {
    let text = "[[1704067260,1.5,4.25,2,3,1.2345678949999999e1],[1704067200,0.32,4.2,0.35,4.2,1e-9]]"
    let candles = try coinbase.candles(product, in: answer(text))
    #expect(candles.map(\.openTime) == [Timestamp("2024-01-01T00:00Z")!, Timestamp("2024-01-01T00:01Z")!])
    #expect(candles[1].open == dec("2") && candles[1].high == dec("4.25") && candles[1].low == dec("1.5"))
    #expect(candles[1].close == dec("3"))
    #expect(candles.map(\.volume) == [dec("0"), dec("12.34567895")])
    #expect(candles[0].trades == nil && candles[0].quoteVolume == nil)
    #expect(throws: VenueError.self) { try coinbase.candles(product, in: samples.answer("exchange_candles")) }
    #expect(throws: VenueError.self) {
      try coinbase.candles(product, in: answer("[[1704067200,1,1,1,1,1],[1704067260,1,1,1,1,1]]"))
    }
  }

  @Test func `no more candles are asked for than are given`() {
    let request = coinbase.candlesRequest(product, noon..<noon.adding(minutes: 5000), limit: 1000)
    #expect(request.path == "/products/BTC-USD/candles?granularity=60&start=1735732800&end=1735750740")
    let short = coinbase.candlesRequest(product, noon..<noon.adding(minutes: 2), limit: 1000)
    #expect(short.path.hasSuffix("start=1735732800&end=1735732860"))
    #expect(request.headers.map(\.name) == ["User-Agent"])
    _ = coinbase.candlesRequest(product, Timestamp.distantPast..<Timestamp.distantFuture, limit: .max)
  }

  @Test func `trades from an id on are those before the id after them`() throws {
    let request = coinbase.tradesRequest(product, from: 74, limit: 100)
    #expect(request?.path == "/products/BTC-USD/trades?limit=100&after=174")
    _ = coinbase.tradesRequest(product, from: .max, limit: .max)
    let text = """
      [{"time":"2024-11-07T22:19:28.578544Z","trade_id":74,"price":"10.00000000","size":"0.01","side":"buy"},
      {"time":"2024-11-07T01:08:43.642366Z","trade_id":73,"price":"100","size":"0.02","side":"sell"}]
      """
    let trades = try coinbase.trades(product, in: answer(text))
    #expect(trades.map(\.id) == [73, 74])
    #expect(trades.map(\.isTakerBuyer) == [true, false])
  }

  @Test func `the clock and the refusals`() throws {
    let time = try coinbase.time(in: answer(#"{"iso":"2024-01-07T23:47:25.201Z","epoch":1704671245.201}"#))
    #expect(time == Timestamp("2024-01-07T23:47:25.201Z")!)
    let reason =
      "granularity too small for the requested time range. Count of aggregations requested exceeds 300"
    #expect(throws: VenueError.refused(status: 400, code: nil, reason: reason)) {
      try coinbase.candles(product, in: samples.answer("exchange_error", status: 400))
    }
    let limited = VenueAnswer(status: 429, headers: [VenueHeader("retry-after", "3")], body: Array("slow".utf8))
    #expect(throws: VenueError.limited(status: 429, retryAfterSeconds: 3, reason: "slow")) {
      try coinbase.time(in: limited)
    }
    #expect(coinbase.usage(in: limited).retryAfterSeconds == 3)
    #expect(coinbase.limitsRequest() == nil)
  }

  /// Real messages of two products on 2021-04-17. Tickers had no sizes then and cannot be used.
  @Test func `a recorded session is read, its ids are whole and its books never crossed`() throws {
    var books: [Symbol: OrderBook] = [:]
    var lastIds: [Symbol: Int64] = [:]
    var (trades, updates, tickers) = (0, 0, 0)
    for frame in try samples.recording("cryptofeed.txt.zst") {
      guard let messages = try? coinbase.messages(frame) else {
        #expect(String(decoding: frame, as: UTF8.self).contains(#""type":"ticker""#))
        tickers += 1
        continue
      }
      for message in messages {
        #expect(message.isSane)
        switch message {
        case .trade(let symbol, let trade):
          if let last = lastIds[symbol] { #expect(trade.id == last + 1) }
          lastIds[symbol] = trade.id
          trades += 1
        case .book(let symbol, let update):
          #expect(books[symbol, default: OrderBook(.none)].apply(update) == .applied)
          updates += 1
        default: #expect(message == .control(.accepted))
        }
      }
    }
    #expect(trades > 3 && updates > 500 && tickers > 0)
    #expect(books.count == 2)
  }

  @Test(arguments: UInt64(0)..<10) func `damaged messages and answers end in sane values or errors`(seed: UInt64) throws
  {
    var mutator = Mutator(seed: seed)
    let recorded = try samples.recording("cryptofeed.txt.zst").filter { $0.count < 2000 }.prefix(100)
    let texts = [
      "[[1704067260,1.5,4.25,2,3,1.2345678949999999e1],[1704067200,0.32,4.2,0.35,4.2,1e-9]]",
      #"[{"time":"2024-11-07T22:19:28.578544Z","trade_id":74,"price":"10.0","size":"0.01","side":"buy"}]"#,
      #"{"iso":"2024-01-07T23:47:25.201Z","epoch":1704671245.201}"#,
    ]
    let names = ["exchange_candles", "exchange_error", "exchange_heartbeat", "exchange_match", "exchange_subscribe"]
    let corpus = try names.map { try samples.bytes($0) } + texts.map { Array($0.utf8) } + recorded
    for index in 0..<Soak.count(6000) {
      let bytes = mutator.frame(of: corpus)
      #expect((try? coinbase.messages(bytes))?.allSatisfy(\.isSane) ?? true)
      let answer = VenueAnswer(status: index % 8 == 0 ? [400, 429, 503][index / 8 % 3] : 200, body: bytes)
      if let time = try? coinbase.time(in: answer) { #expect(time.isSane) }
      if let candles = try? coinbase.candles(product, in: answer) {
        #expect(candles.allSatisfy { $0.violation == nil })
        #expect(zip(candles, candles.dropFirst()).allSatisfy { $0.openTime < $1.openTime })
      }
      if let trades = try? coinbase.trades(product, in: answer) {
        #expect(trades.allSatisfy { VenueMessage.trade(product, $0).isSane })
        #expect(zip(trades, trades.dropFirst()).allSatisfy { $0.id < $1.id })
      }
    }
  }
}
