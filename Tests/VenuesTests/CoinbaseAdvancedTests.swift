import Market
import TestSupport
import Testing
import Venues

struct CoinbaseAdvancedTests {
  private let coinbase = CoinbaseAdvancedProtocol()
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

  @Test func `each channel has its own subscription, heartbeats first`() {
    let plans = coinbase.sockets(for: [product], Set(Channel.allCases), now: noon)
    #expect(
      plans.map(\.greetings) == [
        [
          #"{"type":"subscribe","channel":"heartbeats"}"#,
          #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"market_trades"}"#,
          #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"ticker"}"#,
          #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}"#,
        ]
      ])
  }

  @Test func `the side of a trade is the maker's here too`() throws {
    let trades = [
      Trade(
        id: 995_098_700, time: Timestamp("2026-04-07T14:30:02.789012Z")!, price: dec("68900.50"),
        quantity: dec("0.0015"), isTakerBuyer: false),
      Trade(
        id: 995_098_701, time: Timestamp("2026-04-07T14:30:02.8Z")!, price: dec("68900"), quantity: dec("0.05"),
        isTakerBuyer: true),
    ]
    let messages = try coinbase.messages(samples.bytes("ws_market_trades"))
    #expect(messages == trades.map { .trade(product, $0) })
  }

  @Test func `a ticker is a quote`() throws {
    let quote = Quote(
      time: Timestamp("2026-04-07T14:30:03Z")!, bidPrice: dec("68900"), bidQuantity: dec("1.5"), askPrice: dec("68901"),
      askQuantity: dec("0.5"))
    #expect(try coinbase.messages(samples.bytes("ws_ticker")) == [.quote(product, quote)])
  }

  @Test func `a book is a snapshot and its changes`() throws {
    let snapshot = BookUpdate(
      isSnapshot: true, firstId: nil, lastId: nil, time: Timestamp("2026-04-07T14:30:00.123456Z")!,
      bids: [level("68900", "1.5"), level("68899.5", "0.75"), level("68899", "2.3")],
      asks: [level("68901", "0.5"), level("68901.5", "1.2"), level("68902", "0.8")])
    let change = BookUpdate(
      isSnapshot: false, firstId: nil, lastId: nil, time: Timestamp("2026-04-07T14:30:01.456789Z")!,
      bids: [level("68900", "2")], asks: [level("68901", "0")])
    #expect(try coinbase.messages(samples.bytes("ws_l2_snapshot")) == [.book(product, snapshot)])
    #expect(try coinbase.messages(samples.bytes("ws_l2_update")) == [.book(product, change)])
    var book = OrderBook(.none)
    #expect(book.apply(snapshot) == .applied)
    #expect(book.apply(change) == .applied)
    #expect(book.bestBid == level("68900", "2"))
    #expect(book.bestAsk == level("68901.5", "1.2"))
  }

  @Test func `heartbeats, answers, and candles that are no minutes`() throws {
    let time = Timestamp("2026-04-07T14:30:10Z")!
    #expect(try coinbase.messages(samples.bytes("ws_heartbeats")) == [.heartbeat(nil, time: time, lastTradeId: nil)])
    #expect(try coinbase.messages(samples.bytes("ws_subscriptions")) == [.control(.accepted)])
    let error = #"{"type":"error","message":"authentication failure"}"#
    #expect(try coinbase.messages(error) == [.control(.refused(reason: "authentication failure"))])
    #expect(throws: VenueError.unknown(kind: "candles")) { try coinbase.messages(samples.bytes("ws_candles")) }
    #expect(throws: VenueError.self) { try coinbase.messages(samples.bytes("ws_subscribe")) }
  }

  @Test func `frames are numbered`() throws {
    let numbers = try ["ws_l2_snapshot", "ws_l2_update", "ws_market_trades", "ws_ticker"].map { name in
      try samples.bytes(name).withUnsafeBufferPointer { coinbase.sequence(of: $0) }
    }
    #expect(numbers == [0, 1, 5, 12])
  }

  @Test func `candles have names`() throws {
    let candles = try coinbase.candles(product, in: samples.answer("rest_candles"))
    #expect(candles.map(\.openTime.microseconds) == [1_712_188_800_000_000, 1_712_192_400_000_000])
    let candle = Candle(
      openTime: Timestamp(microseconds: 1_712_192_400_000_000), open: dec("66312.4"), high: dec("66331.99"),
      low: dec("66055.14"), close: dec("66181.6"), volume: dec("355.82896243"))
    #expect(candles.last == candle)
  }

  @Test func `requests keep to the venue's limit`() {
    let request = coinbase.candlesRequest(product, noon..<noon.adding(minutes: 5000), limit: 1000)
    #expect(
      request.path == "/api/v3/brokerage/market/products/BTC-USD/candles?"
        + "start=1735732800&end=1735753799&granularity=ONE_MINUTE&limit=350")
    #expect(coinbase.tradesRequest(product, from: 1, limit: 1) == nil)
  }

  @Test func `the trades of a ticker come newest first`() throws {
    let trades = try coinbase.trades(product, in: samples.answer("rest_ticker"))
    #expect(trades.map(\.id) == [995_098_661, 995_098_662, 995_098_663])
    #expect(trades.map(\.isTakerBuyer) == [false, true, true])
    #expect(trades[0].price == dec("68924.94"))
  }

  @Test func `the clock and the refusals`() throws {
    #expect(try coinbase.time(in: samples.answer("rest_time")) == Timestamp(milliseconds: 1_712_181_513_000))
    let body = #"{"error":"INVALID_ARGUMENT","error_details":"bad start","message":"bad start"}"#
    #expect(throws: VenueError.refused(status: 400, code: nil, reason: "INVALID_ARGUMENT: bad start")) {
      try coinbase.time(in: answer(body, status: 400))
    }
    #expect(throws: VenueError.unavailable(status: 502, reason: "<html>")) {
      try coinbase.time(in: answer("<html>", status: 502))
    }
    for name in ["rest_product", "rest_product_book"] {
      #expect(throws: VenueError.self) { try coinbase.candles(product, in: samples.answer(name)) }
    }
  }

  @Test(arguments: UInt64(0)..<10) func `damaged messages and answers end in sane values or errors`(seed: UInt64) throws
  {
    var mutator = Mutator(seed: seed)
    let names = [
      "rest_candles", "rest_product_book", "rest_ticker", "rest_time", "ws_candles", "ws_heartbeats", "ws_l2_snapshot",
      "ws_l2_update", "ws_market_trades", "ws_subscribe", "ws_subscriptions", "ws_ticker",
    ]
    let corpus = try names.map { try samples.bytes($0) }
    for index in 0..<Soak.count(6000) {
      let bytes = mutator.frame(of: corpus)
      #expect((try? coinbase.messages(bytes))?.allSatisfy(\.isSane) ?? true)
      _ = bytes.withUnsafeBufferPointer { coinbase.sequence(of: $0) }
      let answer = VenueAnswer(status: index % 8 == 0 ? [400, 429, 503][index / 8 % 3] : 200, body: bytes)
      if let time = try? coinbase.time(in: answer) { #expect(time.isSane) }
      if let candles = try? coinbase.candles(product, in: answer) {
        #expect(candles.allSatisfy { $0.violation == nil })
      }
      if let trades = try? coinbase.trades(product, in: answer) {
        #expect(trades.allSatisfy { VenueMessage.trade(product, $0).isSane })
      }
    }
  }
}
