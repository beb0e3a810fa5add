import Market
import TestSupport
import Testing
import Venues

struct BybitTests {
  private let bybit = BybitProtocol()
  private let samples = VenueSamples(folder: "bybit")
  private let noon = Timestamp("2025-01-01T12:00:00Z")!

  private func dec(_ text: String) -> Decimal8 { Decimal8(text)! }

  private func level(_ price: String, _ quantity: String) -> BookUpdate.Level {
    .init(price: dec(price), quantity: dec(quantity))
  }

  private func answer(_ text: String, status: Int = 200) -> VenueAnswer {
    VenueAnswer(status: status, body: Array(text.utf8))
  }

  @Test func `a subscription names at most ten topics`() {
    let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "HBARUSDT"].map { Symbol($0)! }
    let plans = bybit.sockets(for: symbols, [.klines, .trades], now: noon)
    #expect(plans.map(\.path) == ["/v5/public/spot"])
    #expect(plans[0].greetings.count == 2)
    #expect(
      plans[0].greetings[1] == #"{"req_id":"2","op":"subscribe","args":["kline.1.HBARUSDT","publicTrade.HBARUSDT"]}"#)
    #expect(plans[0].keepAlive == .init(text: #"{"op":"ping"}"#, intervalSeconds: 20))
    #expect(
      bybit.sockets(for: [.btcusdt], [.quotes, .books], now: noon)[0].greetings == [
        #"{"req_id":"1","op":"subscribe","args":["orderbook.1.BTCUSDT","orderbook.200.BTCUSDT"]}"#
      ])
    #expect(bybit.sockets(for: symbols, [.ticks], now: noon).isEmpty)
  }

  @Test func `a confirmed kline is closed and one of five minutes is no minute`() throws {
    let candle = Candle(
      openTime: Timestamp(milliseconds: 1_672_324_800_000), open: dec("16649.5"), high: dec("16655"),
      low: dec("16648"), close: dec("16651"), volume: dec("2.081"), quoteVolume: dec("34650.1"))
    let kline = Kline(candle: candle, isClosed: true, time: Timestamp(milliseconds: 1_672_324_860_020))
    #expect(try bybit.messages(samples.bytes("ws_kline_confirmed")) == [.kline(.btcusdt, kline)])
    #expect(throws: VenueError.unknown(kind: "kline.5.BTCUSDT")) { try bybit.messages(samples.bytes("ws_kline")) }
    let open = String(decoding: try samples.bytes("ws_kline_confirmed"), as: UTF8.self)
      .replacing("\"confirm\": true", with: "\"confirm\": false")
    guard case .kline(_, let unfinished) = try bybit.messages(open).first else { Issue.record("no kline"); return }
    #expect(!unfinished.isClosed)
  }

  @Test func `the side of a trade is the taker's and trades off the book are left out`() throws {
    let trade = Trade(
      id: 1_783_284_617, time: Timestamp(milliseconds: 1_672_304_486_865), price: dec("16578.5"),
      quantity: dec("0.001"), isTakerBuyer: true)
    #expect(try bybit.messages(samples.bytes("ws_public_trade")) == [.trade(.btcusdt, trade)])
    let block = String(decoding: try samples.bytes("ws_public_trade"), as: UTF8.self)
      .replacing("\"BT\": false", with: "\"BT\": true")
    #expect(try bybit.messages(block).isEmpty)
  }

  @Test func `the book of depth one is a quote`() throws {
    let quote = Quote(
      updateId: 18_521_288, time: Timestamp(milliseconds: 1_772_694_601_510), bidPrice: dec("16493.5"),
      bidQuantity: dec("0.006"), askPrice: dec("16611"), askQuantity: dec("0.029"))
    #expect(try bybit.messages(samples.bytes("ws_orderbook_1_snapshot")) == [.quote(.btcusdt, quote)])
    let oneSided = #"{"topic":"orderbook.1.BTCUSDT","ts":1772694601512,"type":"snapshot","data":{"b":[],"a":[],"u":1}}"#
    #expect(try bybit.messages(oneSided).isEmpty)
  }

  @Test func `a change of a deeper book counts by one`() throws {
    let messages = try bybit.messages(samples.bytes("ws_orderbook_50_delta"))
    guard case .book(.btcusdt, let update) = messages.first else { Issue.record("no book"); return }
    #expect(!update.isSnapshot)
    #expect((update.firstId, update.lastId) == (177_400_507, 177_400_507))
    #expect(update.time == Timestamp(milliseconds: 1_687_940_967_464))
    #expect(update.bids.count == 5 && update.asks.count == 7)
    #expect(update.bids.last == level("30240", "0"))
    var book = OrderBook(.steps)
    let before = BookUpdate(isSnapshot: true, firstId: 177_400_506, lastId: 177_400_506, bids: [], asks: [])
    #expect(book.apply(before) == .applied)
    #expect(book.apply(update) == .applied)
    #expect(book.bestBid == level("30247.2", "30.028"))
    #expect(book.bestAsk == level("30249.3", "0.892"))
  }

  @Test func `answers to what was sent`() throws {
    for name in ["ws_pong_spot", "ws_subscribe_ack", "ws_subscribe_ack_spot"] {
      #expect(try bybit.messages(samples.bytes(name)) == [.control(.accepted)])
    }
    let reason = "Invalid topic: invalid.topic.BTCUSDT"
    #expect(try bybit.messages(samples.bytes("ws_subscribe_failure")) == [.control(.refused(reason: reason))])
    #expect(throws: VenueError.unknown(kind: "tickers.BTCUSDT")) { try bybit.messages(samples.bytes("ws_ticker_spot")) }
    #expect(throws: VenueError.self) { try bybit.messages("{}") }
  }

  @Test func `candles come newest first and are read by place`() throws {
    let candles = try bybit.candles(.btcusdt, in: samples.answer("rest_kline"))
    #expect(candles.map(\.openTime.milliseconds) == [1_670_601_600_000, 1_670_605_200_000, 1_670_608_800_000])
    let candle = Candle(
      openTime: Timestamp(milliseconds: 1_670_608_800_000), open: dec("17071"), high: dec("17073"), low: dec("17027"),
      close: dec("17055.5"), volume: dec("268611"), quoteVolume: dec("15.74462667"))
    #expect(candles.last == candle)
  }

  @Test func `no more minutes are asked for than are given, of the spot market`() {
    let request = bybit.candlesRequest(.btcusdt, noon..<noon.adding(minutes: 5000), limit: 1000)
    #expect(
      request.path == "/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1&"
        + "start=1735732800000&end=1735792799999&limit=1000")
    #expect(bybit.tradesRequest(.btcusdt, from: 1, limit: 1) == nil)
    _ = bybit.candlesRequest(.btcusdt, Timestamp.distantPast..<Timestamp.distantFuture, limit: .min)
  }

  @Test func `recent trades are read but for those off the book`() throws {
    #expect(try bybit.trades(.btcusdt, in: samples.answer("rest_recent_trade")).isEmpty)
    let text = String(decoding: try samples.bytes("rest_recent_trade"), as: UTF8.self)
      .replacing("\"isRPITrade\": true", with: "\"isRPITrade\": false")
    let trade = Trade(
      id: 123_456, time: Timestamp(milliseconds: 1_672_052_955_758), price: dec("16618.49"), quantity: dec("0.00012"),
      isTakerBuyer: true)
    #expect(try bybit.trades(.btcusdt, in: answer(text)) == [trade])
  }

  @Test func `the clock and the refusals`() throws {
    #expect(try bybit.time(in: samples.answer("rest_time")) == Timestamp(microseconds: 1_688_639_403_423_213))
    #expect(throws: VenueError.limited(status: 200, retryAfterSeconds: nil, reason: "Too many visits!")) {
      try bybit.time(in: samples.answer("rest_error_rate"))
    }
    #expect(throws: VenueError.refused(status: 200, code: 10001, reason: "bad symbol")) {
      try bybit.candles(.btcusdt, in: answer(#"{"retCode":10001,"retMsg":"bad symbol","result":{}}"#))
    }
    #expect(throws: VenueError.limited(status: 403, retryAfterSeconds: 600, reason: "access too frequent")) {
      try bybit.time(in: answer("access too frequent", status: 403))
    }
    #expect(throws: VenueError.refused(status: 403, code: nil, reason: "blocked in your country")) {
      try bybit.time(in: answer("blocked in your country", status: 403))
    }
  }

  @Test(arguments: UInt64(0)..<10) func `damaged messages and answers end in sane values or errors`(seed: UInt64) throws
  {
    var mutator = Mutator(seed: seed)
    let names = [
      "rest_error_rate", "rest_kline", "rest_recent_trade", "rest_time", "ws_kline", "ws_kline_confirmed",
      "ws_orderbook_1_snapshot", "ws_orderbook_50_delta", "ws_pong_spot", "ws_public_trade", "ws_subscribe",
      "ws_subscribe_ack", "ws_subscribe_ack_spot", "ws_subscribe_failure", "ws_ticker_spot",
    ]
    let corpus = try names.map { try samples.bytes($0) }
    for index in 0..<Soak.count(6000) {
      let bytes = mutator.frame(of: corpus)
      #expect((try? bybit.messages(bytes))?.allSatisfy(\.isSane) ?? true)
      let answer = VenueAnswer(status: index % 8 == 0 ? [403, 429, 503][index / 8 % 3] : 200, body: bytes)
      if let time = try? bybit.time(in: answer) { #expect(time.isSane) }
      if let candles = try? bybit.candles(.btcusdt, in: answer) {
        #expect(candles.allSatisfy { $0.violation == nil })
        #expect(zip(candles, candles.dropFirst()).allSatisfy { $0.openTime < $1.openTime })
      }
      if let trades = try? bybit.trades(.btcusdt, in: answer) {
        #expect(trades.allSatisfy { VenueMessage.trade(.btcusdt, $0).isSane })
      }
    }
  }
}
