import Compression
import Crypto
import Market
import TestSupport
import Testing
import Venues

@testable import VenueSimulator

struct VenueAnswerTests {
  private static let plain = BinanceProtocol()

  @Test func `Binance gives the recorded minutes, by pages`() throws {
    var stage = try Stage()
    var read: [Candle] = []
    var next = stage.candles[0].openTime
    while next < stage.market.end {
      let request = Self.plain.candlesRequest(Stage.symbol, next..<stage.market.end, limit: 250)
      let page = try Self.plain.candles(Stage.symbol, in: stage.answer("binance", request, at: stage.market.end).plain)
      read += page
      next = page.last!.closeTime
    }
    #expect(read == stage.truth())
    #expect(zip(read, stage.candles).allSatisfy { $0.bare == $1.bare && $0.trades == $1.trades })
  }

  @Test func `the open minute is what was traded so far`() throws {
    var stage = try Stage()
    let now = stage.market.split.adding(microseconds: 30_000_000)
    let answer = stage.get("binance", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=2", at: now)
    let rows = try Self.plain.candles(Stage.symbol, in: answer.plain)
    let minute = stage.venues[0].synthesised(Stage.symbol, minute: now)!
    #expect(rows.map(\.openTime) == [stage.market.split.adding(minutes: -1), stage.market.split])
    #expect(rows[1] == candles(of: minute.trades.filter { $0.time <= now })[0])
  }

  @Test func `longer bars are made of minutes`() throws {
    var stage = try Stage()
    let answer = stage.get("binance", "/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=3", at: stage.market.end)
    let rows = String(decoding: answer.body, as: UTF8.self).split(separator: "],[")
    #expect(rows.count == 3)
    let hour = stage.truth().filter { $0.openTime >= stage.market.split.adding(minutes: -60) }.prefix(60)
    #expect(rows[1].contains("\"\(hour.map(\.high).max()!)\",\"\(hour.map(\.low).min()!)\",\"\(hour.last!.close)\""))
    #expect(rows[1].contains("\"\(Decimal8(units: hour.reduce(0) { $0 + $1.volume!.units })!)\""))
  }

  @Test func `aggregates and single trades are the minute's`() throws {
    var stage = try Stage()
    let end = stage.market.end
    let minute = stage.venues[0].synthesised(Stage.symbol, minute: stage.market.split)!
    let first = minute.aggregates[0]
    let request = Self.plain.tradesRequest(Stage.symbol, from: first.id, limit: minute.aggregates.count)!
    let aggregates = try Self.plain.trades(Stage.symbol, in: stage.answer("binance", request, at: end).plain)
    #expect(aggregates.map(\.id) == minute.aggregates.map(\.id))
    #expect(candles(of: aggregates)[0] == minute.candle)
    let path = "/api/v3/historicalTrades?symbol=BTCUSDT&limit=1000&fromId=\(minute.firstTradeId)"
    let singles = String(decoding: stage.get("binance", path, at: end).body, as: UTF8.self).split(separator: "},{")
    #expect(singles.count == 1000)
    #expect(singles[0].contains("\"id\":\(minute.firstTradeId),\"price\":\"\(minute.candle.open)\""))
    let millis = stage.market.split.milliseconds
    let span = "/api/v3/aggTrades?symbol=BTCUSDT&startTime=\(millis)&endTime=\(millis + 59_999)&limit=1000"
    #expect(try Self.plain.trades(Stage.symbol, in: stage.get("binance", span, at: end).plain) == aggregates)
  }

  @Test(arguments: [
    ("/api/v3/klines?symbol=NOPE&interval=1m", -1121), ("/api/v3/klines?symbol=BTCUSDT&interval=7m", -1120),
    ("/api/v3/klines?interval=1m", -1102), ("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=x", -1100),
    ("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=0", -1130), ("/api/v3/ping?a=1", -1104),
    ("/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&startTime=2", -1128),
    ("/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=99999999999999999999", -1130),
    ("/api/v3/ticker/price?symbols=%5B%22BTCUSDT%22,%22X%22%5D", -1121),
  ])
  func `Binance's own errors`(path: String, code: Int) throws {
    var stage = try Stage()
    let answer = stage.get("binance", path)
    #expect(answer.status == 400)
    #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("{\"code\":\(code),\"msg\":\""))
  }

  @Test(arguments: Soak.seeds(300)) func `no request and no message brings a venue down`(seed: UInt64) throws {
    var stage = try Stage(minutes: 30, streamed: 10)
    var random = SplitMix64(seed: seed)
    let paths = [
      "/api/v3/klines", "/api/v3/aggTrades", "/api/v3/depth", "/api/v3/historicalTrades", "/v5/market/kline",
      "/products/BTC-USD/candles", "/products/BTC-USD/trades", "/api/v3/brokerage/market/products/BTC-USD/candles",
      "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-28.zip", "/api/v1/reports/page", "/api/v3/ticker/24hr",
    ]
    let names = [
      "symbol", "interval", "startTime", "endTime", "limit", "fromId", "category", "granularity", "start", "end",
      "before", "after", "feedID", "startTimestamp",
    ]
    let values = [
      "BTCUSDT", "1m", "0", "-1", "9223372036854775807", "9223372036854775808", "99999999999999", "1M", "spot", "60",
      "ONE_MINUTE", "1680000000", "x", "%", "%5B%22", "2023-03-28T00:00:00Z", "\(stage.market.split.milliseconds)",
    ]
    let messages = [
      #"{"method":"SUBSCRIBE","params":["btcusdt@depth",1],"id":1}"#, #"{"op":"subscribe","args":["orderbook.1."]}"#,
      #"{"type":"subscribe","channels":[{"name":"level2","product_ids":["BTC-USD"]}]}"#, "PING", "[]", "{\"",
      #"{"action":"subscribe","subscriptions":[{"topic":"crypto_prices","filters":"btcusdt"}]}"#,
    ]
    for venue in stage.venues.venues.indices {
      var path = paths[Int(random.next() % UInt64(paths.count))] + "?symbol=BTCUSDT&interval=1m&category=spot"
      for _ in 0..<random.next() % 5 {
        path +=
          "&\(names[Int(random.next() % UInt64(names.count))])=\(values[Int(random.next() % UInt64(values.count))])"
      }
      _ = stage.venues[venue].answer(VenueRequest(.get, path), at: stage.market.split)
      let body = Array(messages[Int(random.next() % UInt64(messages.count))].utf8)
      _ = stage.venues[venue].answer(VenueRequest(.post, "/", body: body), at: stage.market.split)
      _ = stage.venues[venue].open(1, path: "/ws", headers: [], at: stage.market.split)
      stage.venues[venue].receive(body, from: 1, at: stage.market.split)
      _ = stage.venues[venue].advance(to: stage.market.split.adding(minutes: 1))
    }
  }

  @Test func `weight is counted by the minute, and who goes on is banned`() throws {
    var stage = try Stage()
    var now = stage.market.split
    let heavy = "/api/v3/depth?symbol=BTCUSDT&limit=5000"
    for count in 1...24 {
      let answer = stage.get("binance", heavy, at: now).plain
      #expect(answer.status == 200 && answer.header("x-mbx-used-weight-1m") == String(count * 250))
    }
    let refused = stage.get("binance", heavy, at: now)
    #expect(refused.status == 429 && refused.plain.header("Retry-After") == "61")
    #expect(String(decoding: refused.body, as: UTF8.self).contains("\"code\":-1003"))
    now = now.adding(minutes: 1)
    #expect(stage.get("binance", heavy, at: now).status == 200)
    for _ in 0..<50 { _ = stage.get("binance", heavy, at: now) }
    #expect(stage.get("binance", heavy, at: now).status == 418)
    #expect(stage.get("binance", heavy, at: now.adding(minutes: 1)).status == 418)
    #expect(stage.get("binance", heavy, at: now.adding(minutes: 3)).status == 200)
  }

  @Test func `microseconds where they are asked for`() throws {
    var stage = try Stage()
    let now = stage.market.split.adding(microseconds: 1_234_567)
    let request = VenueRequest(.get, "/api/v3/time", headers: [VenueHeader("x-mbx-time-unit", "MICROSECOND")])
    #expect(stage.answer("binance", request, at: now).body == Array("{\"serverTime\":\(now.microseconds)}".utf8))
    #expect(stage.answer("binanceus", request, at: now).body == Array("{\"serverTime\":\(now.milliseconds)}".utf8))
    #expect(
      try Self.plain.time(in: stage.get("binance", "/api/v3/time", at: now).plain).milliseconds == now.milliseconds)
  }

  @Test func `the limits are told`() throws {
    var stage = try Stage()
    #expect(try Self.plain.limits(in: stage.answer("binance", Self.plain.limitsRequest()!).plain) == 6000)
    #expect(try Self.plain.limits(in: stage.get("binanceus", "/api/v3/exchangeInfo").plain) == 1200)
  }

  @Test func `whole past days come as zips with checksums`() throws {
    var stage = try Stage(minutes: 1440 * 2 + 700)
    let day = CivilDate(day: stage.candles[0].openTime.day + 1)
    let path = "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-\(day).zip"
    let zip = stage.get("binance", path, at: stage.market.end)
    #expect(zip.status == 200)
    let checksum = String(decoding: stage.get("binance", path + ".CHECKSUM", at: stage.market.end).body, as: UTF8.self)
    #expect(checksum == "\(SHA256.hexDigest(of: zip.body))  BTCUSDT-1m-\(day).zip\n")
    let folder = try TemporaryFolder()
    let file = try folder.write(zip.body, to: "BTCUSDT-1m-\(day).zip")
    let read = try SimulatedMarket.recordings(in: [(file, Stage.symbol)])[Stage.symbol]!
    #expect(read == stage.truth().filter { $0.openTime.day == day.dayNumber })
    #expect(stage.get("binance", path, at: Timestamp(minute: day.dayNumber * 1440 + 1000)).status == 404)
    let trades = stage.get(
      "binance", "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-\(day).zip", at: stage.market.end)
    #expect(trades.status == 200 && trades.body.count > zip.body.count)
  }

  @Test func `Coinbase gives no quiet minutes, newest first, and no more than it promises`() throws {
    var stage = try Stage { candles in
      for index in [620, 621, 640] {
        candles[index].volume = .zero
        candles[index].trades = 0
        candles[index].takerBuyBase = .zero
        candles[index].open = candles[index - 1].close
        (candles[index].high, candles[index].low) = (candles[index].open, candles[index].open)
        candles[index].close = candles[index].open
      }
    }
    let name = Symbol("BTC-USD")!
    let expected = stage.candles.filter { $0.openTime >= stage.market.split && $0.trades != 0 }.map(\.bare)
    let end = stage.market.end
    let exchange = CoinbaseExchangeProtocol()
    let old = try exchange.candles(
      name,
      in: stage.answer(
        "coinbase-exchange", exchange.candlesRequest(name, stage.market.split..<end, limit: 300), at: end
      ).plain)
    #expect(old == expected)
    let advanced = CoinbaseAdvancedProtocol()
    let new = try advanced.candles(
      name,
      in: stage.answer("coinbase", advanced.candlesRequest(name, stage.market.split..<end, limit: 350), at: end).plain)
    #expect(new == expected)
    let start = stage.market.split.seconds - 18_000
    let whole = "/products/BTC-USD/candles?granularity=60&start=\(start)&end="
    #expect(stage.get("coinbase-exchange", whole + "\(start + 299 * 60)", at: end).status == 200)
    #expect(stage.get("coinbase-exchange", whole + "\(start + 300 * 60)", at: end).status == 400)
  }

  @Test func `Coinbase pages trades by id`() throws {
    var stage = try Stage()
    let exchange = CoinbaseExchangeProtocol()
    let name = Symbol("BTC-USDT")!
    let minute = stage.venues[0].synthesised(Stage.symbol, minute: stage.market.split)!
    let request = exchange.tradesRequest(name, from: minute.firstTradeId, limit: 1000)!
    let trades = try exchange.trades(name, in: stage.answer("coinbase-exchange", request, at: stage.market.end).plain)
    #expect(trades.count == 1000 && trades.first?.id == minute.firstTradeId)
    let own = Array(minute.trades.prefix(1000))
    #expect(Array(trades.prefix(own.count)) == own)
  }

  @Test func `Bybit gives the recorded minutes`() throws {
    var stage = try Stage()
    let bybit = BybitProtocol()
    let request = bybit.candlesRequest(Stage.symbol, stage.market.split..<stage.market.end, limit: 1000)
    let read = try bybit.candles(Stage.symbol, in: stage.answer("bybit", request, at: stage.market.end).plain)
    #expect(read.map(\.bare) == stage.candles.suffix(60).map(\.bare))
    #expect(read.map(\.quoteVolume) == stage.truth().suffix(60).map(\.quoteVolume))
    #expect(
      String(decoding: stage.get("bybit", "/v5/market/kline?symbol=BTCUSDT&interval=1").body, as: UTF8.self)
        .contains("\"category\":\"linear\",\"list\":[]"))
  }

  @Test func `a node answers for the feed's contract`() throws {
    var stage = try Stage()
    let feed = Symbol("BTC/USD")!
    let contract = AggregatorProtocol.Contract(
      chain: "ethereum", address: "0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c", feed: feed, heartbeatSeconds: 3600)
    let node = AggregatorProtocol(contract, venue: Venue("sim-chainlink")!)
    let now = stage.market.split.adding(microseconds: 40_000_000)
    let ticks = try node.ticks(feed, in: stage.answer("chainlink", node.pollRequest(feed, now: now)!, at: now).plain)
    let time = stage.market.split.adding(microseconds: 27_000_000)
    let expected = stage.venues[0].ticks(of: Stage.symbol, minute: time).last { $0.time <= time }!
    #expect(ticks.map(\.time) == [time])
    #expect(ticks.first?.price.rounded == expected.price.rounded)
    let missing = node.request([ContractCall(contract.address, .roundData(RoundID(phase: 7, round: 99_999)))])
    #expect(
      String(decoding: stage.answer("chainlink", missing, at: now).body, as: UTF8.self).contains("No data present"))
    let nowhere = ContractCall.body([ContractCall("0x0000000000000000000000000000000000000001", .decimals)])
    let answer = stage.answer("chainlink", VenueRequest(.post, "/rpc", body: nowhere), at: now)
    #expect(String(decoding: answer.body, as: UTF8.self) == #"{"jsonrpc":"2.0","id":1,"result":"0x"}"#)
  }

  @Test func `Data Streams wants a signature and gives the ticks`() throws {
    var stage = try Stage()
    let feed = Symbol("BTC/USD")!
    let credentials = DataStreamsCredentials(
      apiKey: VenueSet.Credentials.apiKey, secret: Secret(VenueSet.Credentials.secret))
    let streams = DataStreamsProtocol(streams: [.init(.bitcoin, feed)], credentials: credentials)
    let now = stage.market.split.adding(minutes: 3)
    let request = streams.ticksRequest(feed, from: stage.market.split, limit: 100, now: now)!
    let ticks = try streams.ticks(feed, in: stage.answer("chainlink", request, at: now).plain)
    var expected: [OracleTick] = []
    for minute in 0..<2 {
      expected += stage.venues[0].ticks(of: Stage.symbol, minute: stage.market.split.adding(minutes: minute))
    }
    #expect(ticks == Array(expected.prefix(100)))
    #expect(stage.answer("chainlink", request, at: now.adding(microseconds: 6_000_000)).status == 401)
    var forged = request
    forged.path += "0"
    #expect(stage.answer("chainlink", forged, at: now).status == 401)
    #expect(
      try streams.feeds(in: stage.answer("chainlink", streams.feedsRequest(now: now), at: now).plain).contains(.bitcoin)
    )
    let bulk = streams.bulkRequest(
      [.bitcoin, FeedID([UInt8](repeating: 3, count: 32))!], at: stage.market.split, now: now)
    #expect(stage.answer("chainlink", bulk, at: now).status == 206)
  }
}
