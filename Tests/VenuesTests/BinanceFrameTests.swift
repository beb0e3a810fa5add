import Market
import Testing
import Venues

@Suite struct BinanceFrameTests: BinanceSuite {
  private let binance = BinanceProtocol()

  private func sample(_ name: String) throws -> VenueMessage {
    try #require(try binance.messages(try BinanceSamples.bytes("binance.\(name).json")).first)
  }

  @Test func `a closed minute has all its values`() throws {
    let candle = Candle(
      openTime: Timestamp(milliseconds: 1_672_515_780_000), open: dec("16541.77"), high: dec("16544.76"),
      low: dec("16538.45"), close: dec("16540.1"), volume: dec("83.08143"), quoteVolume: dec("1374268.8488412"),
      trades: 312, takerBuyBase: dec("40.88718"), takerBuyQuote: dec("676253.10227"))
    let expected = Kline(candle: candle, isClosed: true, time: Timestamp(milliseconds: 1_672_515_840_013))
    #expect(try sample("ws_kline_closed") == .kline(.btcusdt, expected))
  }

  @Test func `a minute that goes on is not closed`() throws {
    let sample = String(decoding: try BinanceSamples.bytes("binance.ws_kline_open.json"), as: UTF8.self)
    // The documentation's minute opens below its low.
    #expect(throws: VenueError.self) { try binance.messages(sample) }
    guard case .kline(let symbol, let kline) = try binance.messages(sample.replacing("0.0015", with: "0.0009")).first
    else {
      Issue.record("no kline")
      return
    }
    #expect(symbol == sym("BNBBTC"))
    #expect(!kline.isClosed)
    #expect(kline.candle.trades == 100)
  }

  @Test func `in a trade whose buyer is the maker the taker sold`() throws {
    let trade = Trade(
      id: 12345, time: Timestamp(milliseconds: 1_672_515_782_136), price: dec("0.001"), quantity: dec("100"),
      isTakerBuyer: false)
    #expect(try sample("ws_trade") == .trade(sym("BNBBTC"), trade))
    var aggregate = trade
    aggregate.count = 6
    #expect(try sample("ws_agg_trade") == .trade(sym("BNBBTC"), aggregate))
  }

  @Test func `the seller's order in an old single trade is not its id`() throws {
    let text = #"{"e":"trade","E":1,"s":"BTCUSDT","t":7,"p":"1","q":"2","b":88,"a":50,"T":3,"m":false,"M":true}"#
    let trade = Trade(
      id: 7, time: Timestamp(milliseconds: 3), price: dec("1"), quantity: dec("2"), isTakerBuyer: true)
    #expect(try binance.messages(text) == [.trade(.btcusdt, trade)])
  }

  @Test func `a best bid and ask has an id and no time`() throws {
    let quote = Quote(
      updateId: 400_900_217, bidPrice: dec("25.3519"), bidQuantity: dec("31.21"), askPrice: dec("25.3652"),
      askQuantity: dec("40.66"))
    #expect(try sample("ws_book_ticker") == .quote(sym("BNBUSDT"), quote))
  }

  @Test func `the combined wrapper is taken off`() throws {
    let quote = Quote(
      updateId: 400_900_217, bidPrice: dec("25776.85"), bidQuantity: dec("3.121"), askPrice: dec("25776.86"),
      askQuantity: dec("4.066"))
    #expect(try sample("ws_combined") == .quote(.btcusdt, quote))
  }

  @Test func `a book change covers its ids`() throws {
    let update = BookUpdate(
      isSnapshot: false, firstId: 157, lastId: 160, time: Timestamp(milliseconds: 1_672_515_782_136),
      bids: [level("0.0024", "10")], asks: [level("0.0026", "100")])
    #expect(try sample("ws_depth_diff") == .book(sym("BNBBTC"), update))
  }

  @Test func `a partial book has a symbol only within the wrapper`() throws {
    let bare = String(decoding: try BinanceSamples.bytes("binance.ws_depth_partial.json"), as: UTF8.self)
    #expect(throws: VenueError.unknown(kind: "a book without a symbol")) { try binance.messages(bare) }
    let update = BookUpdate(
      isSnapshot: true, firstId: 160, lastId: 160, bids: [level("0.0024", "10")], asks: [level("0.0026", "100")])
    let wrapped = #"{"stream":"bnbbtc@depth20@100ms","data":\#(bare)}"#
    #expect(try binance.messages(wrapped) == [.book(sym("BNBBTC"), update)])
  }

  @Test(arguments: ["ws_server_shutdown", "ws_server_shutdown_combined"])
  func `a shutdown is announced in two forms`(name: String) throws {
    #expect(try sample(name) == .shutdown)
  }

  @Test func `answers to control messages are told apart`() throws {
    #expect(try sample("ws_subscribe_ok") == .control(.accepted))
    #expect(try sample("ws_list_subscriptions_ok") == .control(.accepted))
    guard case .control(.refused(let reason)) = try sample("ws_error") else {
      Issue.record("not refused")
      return
    }
    #expect(reason.hasPrefix("Invalid request: unknown variant `SUBSCRIB`"))
    let nested = #"{"error":{"code":3,"msg":"Invalid JSON"},"id":null}"#
    #expect(try binance.messages(nested) == [.control(.refused(reason: "Invalid JSON"))])
  }

  @Test(arguments: ["ws_mini_ticker", "ws_avg_price"])
  func `events of other streams are unknown and nothing worse`(name: String) throws {
    guard case .unknown = #expect(throws: VenueError.self, performing: { try sample(name) }) else {
      Issue.record("another error")
      return
    }
  }

  @Test func `lists of other streams are unknown`() {
    for text in [#"[{"e":"24hrMiniTicker"}]"#, #"{"stream":"!miniTicker@arr","data":[]}"#] {
      #expect(throws: VenueError.unknown(kind: "[]")) { try binance.messages(text) }
    }
  }

  @Test func `other frames are errors`() {
    for text in [
      "", "[]", "{}", "null", #"{"e":5}"#, #"{"stream":"a@b"}"#, #"{"stream":"a","data":{"stream":"b","data":{}}}"#,
      #"{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2"}"#, #"{"u":1,"s":"BTCUSDT","b":"0","B":"1","a":"2","A":"1"}"#,
      #"{"u":1,"s":"btc","b":"1","B":"1","a":"2","A":"1"}"#, #"{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}x"#,
    ] {
      #expect(throws: VenueError.self) { try binance.messages(text) }
    }
    #expect(throws: VenueError.unknown(kind: "binary frame")) { try binance.messages([1, 2], isBinary: true) }
  }

  @Test func `times are milliseconds or microseconds by their size`() throws {
    func time(_ value: String) throws -> Timestamp? {
      let text = #"{"e":"trade","s":"BTCUSDT","t":7,"p":"1","q":"2","T":\#(value),"m":false}"#
      guard case .trade(_, let trade) = try binance.messages(text).first else { return nil }
      return trade.time
    }
    #expect(try time("1672515782136") == Timestamp(microseconds: 1_672_515_782_136_000))
    #expect(try time("1672515782136789") == Timestamp(microseconds: 1_672_515_782_136_789))
    for value in ["0", "-1", "10000000000000", "99999999999999", "10000000000000000", "9223372036854775807"] {
      #expect(throws: VenueError.self) { try time(value) }
    }
  }

  @Test(arguments: [
    (#""h":"16544.76000000""#, #""h":"16500""#), (#""l":"16538.45000000""#, #""l":"16541""#),
    (#""V":"40.88718000""#, #""V":"83.1""#), (#""v":"83.08143000""#, #""v":"-1""#),
    (#""t":1672515780000"#, #""t":1672515780001"#), (#""T":1672515839999"#, #""T":1672516079999"#),
    (#""n":312"#, #""n":-1"#), (#""o":"16541.77000000""#, #""o":"0""#), (#""x":true"#, #""x":1"#),
    (#""i":"1m""#, #""i":"1M""#),
  ])
  func `a minute that no market has is refused`(good: String, bad: String) throws {
    let text = String(decoding: try BinanceSamples.bytes("binance.ws_kline_closed.json"), as: UTF8.self)
      .replacing("\": ", with: "\":")
    #expect(text.contains(good))
    #expect(throws: VenueError.self) { try binance.messages(text.replacing(good, with: bad)) }
  }

  @Test func `a recorded session of four thin markets is understood whole`() throws {
    var counts: [String: Int] = [:]
    for frame in try BinanceSamples.recording("cryptofeed.txt.zst") {
      for message in try binance.messages(frame) {
        switch message {
        case .book: counts["book", default: 0] += 1
        case .quote: counts["quote", default: 0] += 1
        case .trade: counts["trade", default: 0] += 1
        case .kline: counts["kline", default: 0] += 1
        default: Issue.record("\(message)")
        }
      }
    }
    #expect(counts == ["book": 177, "quote": 84, "trade": 2, "kline": 2])
  }
}
