import Market
import Testing
import Venues

@Suite struct BinanceAnswerTests: BinanceSuite {
  private let binance = BinanceProtocol()

  private func answer(_ text: String, status: Int = 200, headers: [VenueHeader] = []) -> VenueAnswer {
    VenueAnswer(status: status, headers: headers, body: Array(text.utf8))
  }

  @Test func `the venue's clock is read in either unit`() throws {
    #expect(
      try binance.time(in: try BinanceSamples.answer("binance.rest_time.json"))
        == Timestamp(milliseconds: 1_499_827_319_559))
    #expect(
      try binance.time(in: try BinanceSamples.answer("binance.rest_time_micros.json"))
        == Timestamp(microseconds: 1_499_827_319_559_123))
    try binance.ping(in: try BinanceSamples.answer("binance.rest_ping.json"))
  }

  @Test func `minutes are read by place`() throws {
    let row = """
      [[1704067200000,"42283.58000000","42298.62000000","42261.02000000","42298.61000000","35.92724000",1704067259999,
      "1519032.42954190",1327,"23.18766000","980394.83171960","0"]]
      """
    let candle = Candle(
      openTime: Timestamp(milliseconds: 1_704_067_200_000), open: dec("42283.58"), high: dec("42298.62"),
      low: dec("42261.02"), close: dec("42298.61"), volume: dec("35.92724"), quoteVolume: dec("1519032.4295419"),
      trades: 1327, takerBuyBase: dec("23.18766"), takerBuyQuote: dec("980394.8317196"))
    #expect(try binance.candles(.btcusdt, in: answer(row)) == [candle])
    let micros = row.replacing("1704067200000", with: "1704067200000000")
      .replacing("1704067259999", with: "1704067259999999")
    #expect(try binance.candles(.btcusdt, in: answer(micros)) == [candle])
    #expect(try binance.candles(.btcusdt, in: answer("[]")).isEmpty)
  }

  @Test func `a candle of another length is not taken for a minute`() throws {
    #expect(throws: VenueError.self) {
      try binance.candles(.btcusdt, in: try BinanceSamples.answer("binance.rest_klines.json"))
    }
  }

  @Test func `minutes out of order are refused`() {
    let row = #"[60000,"1","1","1","1","0",119999,"0",0,"0","0","0"]"#
    #expect(throws: VenueError.self) { try binance.candles(.btcusdt, in: answer("[\(row),\(row)]")) }
  }

  @Test func `aggregated and single trades are read`() throws {
    let aggregate = Trade(
      id: 26129, time: Timestamp(milliseconds: 1_498_793_709_153), price: dec("0.01633102"),
      quantity: dec("4.70443515"), isTakerBuyer: false)
    #expect(
      try binance.trades(.btcusdt, in: try BinanceSamples.answer("binance.rest_agg_trades.json")) == [aggregate])
    let single = """
      [{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,
      "isBuyerMaker":true,"isBestMatch":true}]
      """
    let trade = Trade(
      id: 28457, time: Timestamp(milliseconds: 1_499_865_549_590), price: dec("4.000001"), quantity: dec("12"),
      isTakerBuyer: false)
    #expect(try binance.trades(.btcusdt, in: answer(single)) == [trade])
  }

  @Test func `a book is a snapshot with one id`() throws {
    let book = BookUpdate(
      isSnapshot: true, firstId: 1_027_024, lastId: 1_027_024, bids: [level("4", "431")],
      asks: [level("4.000002", "12")])
    #expect(try binance.book(in: try BinanceSamples.answer("binance.rest_depth.json")) == book)
  }

  @Test func `tickers come alone or in a list`() throws {
    let price = String(decoding: try BinanceSamples.bytes("binance.rest_ticker_price.json"), as: UTF8.self)
    #expect(try binance.prices(in: answer(price)) == [sym("LTCBTC"): dec("4.000002")])
    let list = #"[\#(price),{"symbol":"币安人生USDT","price":"1"}]"#
    #expect(try binance.prices(in: answer(list)) == [sym("LTCBTC"): dec("4.000002")])
    let quote = Quote(
      bidPrice: dec("4"), bidQuantity: dec("431"), askPrice: dec("4.000002"), askQuantity: dec("9"))
    #expect(
      try binance.quotes(in: try BinanceSamples.answer("binance.rest_ticker_book.json")) == [sym("LTCBTC"): quote])
    let empty = #"{"symbol":"LTCBTC","bidPrice":"0.0","bidQty":"0.0","askPrice":"0.0","askQty":"0.0"}"#
    #expect(try binance.quotes(in: answer(empty)).isEmpty)
  }

  @Test func `a day has its change`() throws {
    let days = try binance.days(in: try BinanceSamples.answer("binance.rest_ticker_24hr.json"))
    let day = try #require(days[sym("BNBBTC")])
    #expect(day.priceChange == dec("-94.999998"))
    #expect(day.priceChangePercent == dec("-95.96"))
    #expect(day.last == dec("4.000002"))
    #expect(day.trades == 76)
    #expect(day.closeTime == Timestamp(milliseconds: 1_499_869_899_040))
    let short = """
      {"symbol":"BNBBTC","openPrice":"99","highPrice":"100","lowPrice":"0.1","lastPrice":"4","volume":"8913.3",
      "quoteVolume":"15.3","openTime":1499783499040,"closeTime":1499869899040,"firstId":1,"lastId":2,"count":2}
      """
    #expect(try binance.days(in: answer(short))[sym("BNBBTC")]?.weightedAveragePrice == nil)
  }

  @Test func `limits and symbols are read, unknown states too`() throws {
    let sample = try BinanceSamples.answer("binance.rest_exchange_info_rate_limits.json")
    #expect(try binance.limits(in: sample) == 6000)
    let info = try binance.exchangeInfo(in: sample)
    #expect(info.rateLimits.count == 4)
    let listing = try #require(info.symbols[.btcusdt])
    #expect(listing.status == .trading)
    #expect((listing.baseAsset, listing.quoteAsset) == ("BTC", "USDT"))
    #expect((listing.tickSize, listing.stepSize) == (dec("0.01"), dec("0.00001")))
    let text = String(decoding: sample.body, as: UTF8.self).replacing("\"TRADING\"", with: "\"POST_AUCTION\"")
    #expect(try binance.exchangeInfo(in: answer(text)).symbols[.btcusdt]?.status == .other("POST_AUCTION"))
    #expect(throws: VenueError.self) { try binance.limits(in: answer("{}")) }
  }

  // MARK: Refusals

  @Test func `the reason of a refusal is told`() throws {
    let error = try BinanceSamples.answer("binance.rest_error.json", status: 400)
    #expect(throws: VenueError.refused(status: 400, code: -1121, reason: "Invalid symbol.")) {
      try binance.candles(.btcusdt, in: error)
    }
    let blocked = try BinanceSamples.answer("binance.rest_error_451.json", status: 451)
    guard
      case .refused(451, 0, let reason) = #expect(
        throws: VenueError.self, performing: { try binance.time(in: blocked) })
    else {
      Issue.record("not refused")
      return
    }
    #expect(reason.hasPrefix("Service unavailable from a restricted location"))
  }

  @Test(arguments: [429, 418])
  func `too many requests say how long to wait`(status: Int) throws {
    let body = try BinanceSamples.bytes("binance.rest_error_rate.json")
    let limited = VenueAnswer(status: status, headers: [VenueHeader("retry-after", "37")], body: body)
    guard
      case .limited(status, 37, let reason) = #expect(
        throws: VenueError.self, performing: { try binance.time(in: limited) })
    else {
      Issue.record("not limited")
      return
    }
    #expect(reason.hasPrefix("Too much request weight used"))
    let bare = VenueAnswer(status: status, body: [])
    #expect(throws: VenueError.limited(status: status, retryAfterSeconds: nil, reason: "an empty answer")) {
      try binance.time(in: bare)
    }
  }

  @Test func `what is not JSON is survived`() {
    let page = "<html><body>Bad Gateway</body></html>"
    #expect(throws: VenueError.unavailable(status: 502, reason: "not JSON: " + page)) {
      try binance.time(in: answer(page, status: 502))
    }
    #expect(throws: VenueError.refused(status: 403, code: nil, reason: "not JSON: " + page)) {
      try binance.time(in: answer(page, status: 403))
    }
    #expect(throws: VenueError.self) { try binance.time(in: answer(page)) }
    #expect(throws: VenueError.self) { try binance.candles(.btcusdt, in: answer("")) }
    #expect(throws: VenueError.unavailable(status: 504, reason: "an empty answer")) {
      try binance.candles(.btcusdt, in: answer("", status: 504))
    }
  }

  @Test func `used weight and waiting time are in the headers, in any case`() {
    let headers = [VenueHeader("x-mbx-used-weight-1m", "512"), VenueHeader("RETRY-AFTER", "9")]
    #expect(
      binance.usage(in: answer("", headers: headers)) == LimitUsage(usedWeightPerMinute: 512, retryAfterSeconds: 9))
    let bad = [VenueHeader("X-MBX-USED-WEIGHT-1M", "-1"), VenueHeader("Retry-After", "soon")]
    #expect(binance.usage(in: answer("", headers: bad)) == LimitUsage())
  }
}
