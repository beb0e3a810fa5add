import Market
import Venues

/// Bybit's fifth interface, spot only.
struct BybitDialect: Dialect {
  private static let mostArguments = 10
  private var limit = RequestRate(perSecond: 120, burst: 600)

  // MARK: Requests

  mutating func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    let stamp = reader.stamp(now)
    guard limit.take(at: now) else { return refusal(status: 403, at: stamp) }
    let query = Query(request.path)
    let prefix = "/v5/market/"
    guard query.path.hasPrefix(prefix) else {
      return SimulatedAnswer(status: 404, body: Array("<html>404</html>".utf8))
    }
    let name = query.path.dropFirst(prefix.count)
    if name == "time" {
      return Self.done(
        #"{"timeSecond":"\#(stamp.seconds)","timeNano":"\#(stamp.microseconds)000"}"#, at: stamp)
    }
    let category = query["category"] ?? "linear"
    guard category == "spot" else {
      return Self.done(#"{"category":\#(quoted: category),"list":[],"nextPageCursor":""}"#, at: stamp)
    }
    if name == "instruments-info" { return Self.done(instruments(query, reader), at: stamp) }
    if name == "tickers" { return Self.done(tickers(query, &reader, at: now), at: stamp) }
    guard let symbol = query["symbol"], let series = reader.series(symbol) else {
      return Self.wrong("Not supported symbols", at: stamp)
    }
    switch name {
    case "kline": return kline(symbol, series, query, &reader, at: now)
    case "orderbook":
      let depth = min(max(query["limit"].flatMap { Int($0) } ?? 1, 1), SimulatedBook.depth)
      guard let book = reader.book(series, at: now) else { return Self.wrong("no book", at: stamp) }
      return Self.done(
        """
        {"s":"\(text: symbol)",\(Self.sides(book.bids.prefix(depth), book.asks.prefix(depth))),\
        "ts":\(stamp.milliseconds),"u":\(book.updateId),"seq":\(book.updateId * 2),"cts":\(book.time.milliseconds)}
        """, at: stamp)
    case "recent-trade":
      let limit = min(max(query["limit"].flatMap { Int($0) } ?? 60, 1), 60)
      let rows = reader.newestTrades(series, limit: limit, at: now).reversed().map { trade -> JSONText in
        """
        {"execId":"\(trade.id)","symbol":"\(text: symbol)","price":"\(short: trade.price)",\
        "size":"\(short: trade.quantity)","side":"\(text: Self.side(trade))","time":"\(trade.time.milliseconds)",\
        "isBlockTrade":false,"isRPITrade":false,"seq":"\(trade.id * 2)"}
        """
      }
      return Self.done(#"{"category":"spot","list":\#(.array(rows))}"#, at: stamp)
    default: return SimulatedAnswer(status: 404, body: Array("<html>404</html>".utf8))
    }
  }

  private static func done(_ result: JSONText, at stamp: Timestamp) -> SimulatedAnswer {
    SimulatedAnswer(
      200,
      #"{"retCode":0,"retMsg":"OK","result":\#(result),"retExtInfo":{},"time":\#(stamp.milliseconds)}"#)
  }

  private static func wrong(_ reason: String, at stamp: Timestamp) -> SimulatedAnswer {
    SimulatedAnswer(
      200,
      #"{"retCode":10001,"retMsg":\#(quoted: reason),"result":{},"retExtInfo":{},"time":\#(stamp.milliseconds)}"#)
  }

  /// Newest first; of a range with more rows than the limit the newest ones.
  private func kline(
    _ symbol: String, _ series: Int, _ query: Query, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer {
    let stamp = reader.stamp(now)
    guard let interval = query["interval"].flatMap({ CandleInterval(bybit: $0) }) else {
      return Self.wrong("Invalid period!", at: stamp)
    }
    func instant(_ name: String) -> Timestamp? {
      query[name].flatMap { Int64($0) }.map { Timestamp(milliseconds: min(max($0, 0), 10_000_000_000_000)) }
    }
    let limit = min(max(query["limit"].flatMap { Int($0) } ?? 200, 1), 1000)
    let (from, through) = (instant("start"), instant("end"))
    var bars: [Bar]
    if let from, through == nil {
      bars = reader.bars(series, interval, from: from, through: nil, limit: limit, at: now)
    } else {
      bars = reader.bars(series, interval, from: nil, through: through, limit: limit, at: now)
      bars.removeAll { $0.candle.openTime < from ?? .distantPast }
    }
    let rows = bars.reversed().map { bar -> JSONText in
      let candle = bar.candle
      return """
        ["\(candle.openTime.milliseconds)","\(short: candle.open)","\(short: candle.high)","\(short: candle.low)",\
        "\(short: candle.close)","\(short: candle.volume ?? .zero)","\(short: candle.quoteVolume ?? .zero)"]
        """
    }
    return Self.done(
      #"{"symbol":"\#(text: symbol)","category":"spot","list":\#(.array(rows))}"#, at: stamp)
  }

  private func instruments(_ query: Query, _ reader: MarketReader) -> JSONText {
    let rows = reader.market.series.filter { query["symbol"] == nil || query["symbol"] == $0.symbol.name }.map {
      data -> JSONText in
      let pair = InstrumentPair(data.symbol)
      return """
        {"symbol":"\(text: data.symbol.name)","baseCoin":"\(text: pair.base)","quoteCoin":"\(text: pair.quote)",\
        "innovation":"0","status":"Trading","marginTrading":"none","stTag":"0","lotSizeFilter":{\
        "basePrecision":"\(short: data.grid.quantity(1))","quotePrecision":"0.00000001",\
        "minOrderQty":"\(short: data.grid.quantity(1))","maxOrderQty":"90000000","minOrderAmt":"5",\
        "maxOrderAmt":"8000000"},"priceFilter":{"tickSize":"\(short: data.grid.price(1))"},\
        "riskParameters":{"priceLimitRatioX":"0.01","priceLimitRatioY":"0.02"}}
        """
    }
    return #"{"category":"spot","list":\#(.array(rows)),"nextPageCursor":""}"#
  }

  private func tickers(_ query: Query, _ reader: inout MarketReader, at now: Timestamp) -> JSONText {
    var rows: [JSONText] = []
    for (series, data) in reader.market.series.enumerated()
    where query["symbol"] == nil || query["symbol"] == data.symbol.name {
      guard let day = DayStatistics(series, minutes: 1440, &reader, at: now),
        let quote = reader.book(series, at: now, depth: 1)?.quote
      else { continue }
      let bar = day.bar.candle
      rows.append(
        """
        {"symbol":"\(text: data.symbol.name)","bid1Price":"\(short: quote.bidPrice)",\
        "bid1Size":"\(short: quote.bidQuantity)","ask1Price":"\(short: quote.askPrice)",\
        "ask1Size":"\(short: quote.askQuantity)",\(Self.day(day, bar))}
        """)
    }
    return #"{"category":"spot","list":\#(.array(rows))}"#
  }

  private static func day(_ day: DayStatistics, _ bar: Candle) -> JSONText {
    let share = Decimal8(units: day.change.units * 10_000 / max(1, bar.open.units) * 10_000) ?? .zero
    return """
      "lastPrice":"\(short: bar.close)","prevPrice24h":"\(short: bar.open)","price24hPcnt":"\(short: share)",\
      "highPrice24h":"\(short: bar.high)","lowPrice24h":"\(short: bar.low)","turnover24h":"\(short: bar.quoteVolume ?? .zero)",\
      "volume24h":"\(short: bar.volume ?? .zero)","usdIndexPrice":"\(short: bar.close)"
      """
  }

  private static func side(_ trade: Trade) -> String { trade.isTakerBuyer ? "Buy" : "Sell" }

  private static func sides(
    _ bids: some Sequence<BookUpdate.Level>, _ asks: some Sequence<BookUpdate.Level>
  ) -> JSONText {
    func levels(_ levels: some Sequence<BookUpdate.Level>) -> JSONText {
      .array(levels.lazy.map { #"["\#(short: $0.price)","\#(short: $0.quantity)"]"# })
    }
    return #""b":\#(levels(bids)),"a":\#(levels(asks))"#
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer {
    switch status {
    // The venue says this in the body.
    case 429:
      SimulatedAnswer(
        200,
        #"{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":\#(now.milliseconds)}"#,
        headers: [VenueHeader("X-Bapi-Limit-Status", "0")])
    case 403, 418: SimulatedAnswer(status: 403, body: Array("access too frequent".utf8))
    default: SimulatedAnswer(status: status, body: Array("<html>\(status)</html>".utf8))
    }
  }

  // MARK: Sockets

  func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer? {
    Query(socket.path).path == "/v5/public/spot" ? nil : SimulatedAnswer(status: 404)
  }

  func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    guard let message = text.scanned(BybitRequest.init) else {
      return reply(&socket, isDone: false, "Params Error", BybitRequest())
    }
    switch message.op {
    case "ping": reply(&socket, isDone: true, "pong", message, op: "ping")
    case "subscribe": subscribe(message, &socket, &reader, at: now)
    case "unsubscribe":
      socket.feeds.removeAll { message.topics.contains($0.name) }
      reply(&socket, isDone: true, "unsubscribe", message)
    default: reply(&socket, isDone: false, "Request not supported", message)
    }
  }

  private func subscribe(
    _ message: BybitRequest, _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    guard message.topics.count <= Self.mostArguments else {
      return reply(&socket, isDone: false, "args size >10", message)
    }
    var feeds: [Feed] = []
    for topic in message.topics {
      guard let feed = feed(topic, &reader, at: now) else {
        let shown = topic.filter { $0.isLetter || $0.isNumber || $0 == "." }
        return reply(&socket, isDone: false, "Invalid topic :[\(shown)]", message)
      }
      if !socket.feeds.contains(where: { $0.name == topic }) { feeds.append(feed) }
    }
    reply(&socket, isDone: true, "subscribe", message)
    for feed in feeds {
      if let book = feed.firstBook { socket.outbox.append(snapshot(book, feed, reader.stamp(now), reader)) }
      socket.feeds.append(feed)
    }
  }

  /// Microseconds between messages, by levels of a side.
  private static let bookIntervals: [Int: Int64] = [1: 10_000, 50: 20_000, 200: 100_000, 1000: 200_000]

  private func feed(_ topic: String, _ reader: inout MarketReader, at now: Timestamp) -> Feed? {
    let parts = topic.split(separator: ".").map(String.init)
    guard let name = parts.last, let series = reader.series(name) else { return nil }
    switch (parts[0], parts.count) {
    case ("kline", 3):
      guard let interval = CandleInterval(bybit: parts[1]) else { return nil }
      return Feed(topic, .bars(interval, every: 1_000_000), series: series, from: now, &reader)
    case ("publicTrade", 2): return Feed(topic, .aggregates, series: series, from: now, &reader)
    case ("orderbook", 3):
      guard let depth = Int(parts[1]), let every = Self.bookIntervals[depth] else { return nil }
      let levels = min(depth, SimulatedBook.depth)
      let content: Feed.Content =
        depth == 1 ? .books(every: every, depth: levels) : .bookChanges(every: every, depth: levels)
      return Feed(topic, content, series: series, from: now, &reader)
    case ("tickers", 2): return Feed(topic, .pulses(every: 1_000_000), series: series, from: now, &reader)
    default: return nil
    }
  }

  private func reply(
    _ socket: inout SimulatedSocket, isDone: Bool, _ text: String, _ message: BybitRequest, op: String? = nil
  ) {
    let id: JSONText = message.id.map { #""req_id":\#(quoted: $0),"# } ?? ""
    socket.outbox.append(
      Frame(
        """
        {"success":\(isDone),"ret_msg":\(quoted: text),"conn_id":"00000000-0000-4000-8000-00000000\(1000 + socket.id % 9000)",\
        \(id)"op":"\(text: op ?? message.op.filter(\.isLetter))"}
        """, .control))
  }

  // MARK: Payloads

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    let stamp = reader.stamp(now)
    let symbol = reader.market.series[feed.series].symbol.name
    switch event {
    case .aggregate(let aggregate, let minute):
      return [trades(minute.trades(of: aggregate), symbol, feed, stamp)]
    case .bar(let bar, let isClosed):
      let last = reader.last(feed.series, at: min(now, bar.end.adding(microseconds: -1)))?.time ?? now
      return [kline(bar, isClosed: isClosed, last: last, feed, stamp)]
    case .book(let book): return [snapshot(book, feed, stamp, reader)]
    case .changes(let update, let book):
      return [
        Frame(
          """
          {"topic":"\(text: feed.name)","ts":\(stamp.milliseconds),"type":"delta","data":{"s":"\(text: symbol)",\
          \(Self.sides(update.bids, update.asks)),"u":\(1 + feed.changes),"seq":\(book.updateId * 2)},\
          "cts":\(book.time.milliseconds)}
          """)
      ]
    case .pulse:
      guard let day = DayStatistics(feed.series, minutes: 1440, &reader, at: now) else { return [] }
      return [
        Frame(
          """
          {"topic":"\(text: feed.name)","ts":\(stamp.milliseconds),"type":"snapshot","cs":\(stamp.milliseconds),\
          "data":{"symbol":"\(text: symbol)",\(Self.day(day, day.bar.candle))}}
          """)
      ]
    case .tick: return []
    }
  }

  private func trades(_ trades: [Trade], _ symbol: String, _ feed: Feed, _ stamp: Timestamp) -> Frame {
    let rows = trades.map { trade -> JSONText in
      """
      {"T":\(trade.time.milliseconds),"s":"\(text: symbol)","S":"\(text: Self.side(trade))",\
      "v":"\(short: trade.quantity)","p":"\(short: trade.price)","i":"\(trade.id)","BT":false,"RPI":false,\
      "seq":\(trade.id * 2)}
      """
    }
    return Frame(
      """
      {"topic":"\(text: feed.name)","ts":\(stamp.milliseconds),"type":"snapshot","data":\(.array(rows))}
      """, .trade)
  }

  private func kline(_ bar: Bar, isClosed: Bool, last: Timestamp, _ feed: Feed, _ stamp: Timestamp) -> Frame {
    let candle = bar.candle
    let interval = feed.name.split(separator: ".")[1]
    return Frame(
      """
      {"topic":"\(text: feed.name)","data":[{"start":\(candle.openTime.milliseconds),"end":\(bar.end.milliseconds - 1),\
      "interval":"\(text: String(interval))","open":"\(short: candle.open)","close":"\(short: candle.close)",\
      "high":"\(short: candle.high)","low":"\(short: candle.low)","volume":"\(short: candle.volume ?? .zero)",\
      "turnover":"\(short: candle.quoteVolume ?? .zero)","confirm":\(isClosed),"timestamp":\(last.milliseconds)}],\
      "ts":\(stamp.milliseconds),"type":"snapshot"}
      """, isClosed ? .closedBar : .data)
  }

  /// The first snapshot is update 1, as after the service's own restart.
  private func snapshot(_ book: SimulatedBook, _ feed: Feed, _ stamp: Timestamp, _ reader: MarketReader) -> Frame {
    let symbol = reader.market.series[feed.series].symbol.name
    let isTop = feed.name.hasPrefix("orderbook.1.")
    return Frame(
      """
      {"topic":"\(text: feed.name)","ts":\(stamp.milliseconds),"type":"snapshot","data":{"s":"\(text: symbol)",\
      \(Self.sides(book.bids, book.asks)),"u":\(isTop ? book.updateId : 1),\
      "seq":\(book.updateId * 2)},"cts":\(book.time.milliseconds)}
      """)
  }
}

/// What a client asks of a socket.
private struct BybitRequest {
  var op = ""
  var id: String?
  var topics: [String] = []

  init() {}

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var request = BybitRequest()
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "op": request.op = try scanner.string()
      case "req_id":
        if scanner.peek() == .string {
          request.id = try scanner.string()
        } else {
          request.id = String(try scanner.integer())
        }
      case "args":
        try scanner.array { scanner, _ throws(VenueError) in
          if scanner.peek() == .string { request.topics.append(try scanner.string()) } else { try scanner.skip() }
        }
      default: try scanner.skip()
      }
    }
    try scanner.end()
    self = request
  }
}
