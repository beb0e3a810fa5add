import Market
import Venues

/// Coinbase's older interface: `api.exchange.coinbase.com` and `ws-feed.exchange.coinbase.com`.
struct CoinbaseExchangeDialect: Dialect {
  private static let mostBuckets: Int64 = 300
  private var limit = RequestRate(perSecond: 10, burst: 15)

  // MARK: Requests

  mutating func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    guard limit.take(at: now) else { return refusal(status: 429, at: now) }
    let query = Query(request.path)
    let parts = query.path.split(separator: "/").map(String.init)
    switch (parts.first, parts.count) {
    case ("time", 1):
      let stamp = reader.stamp(now)
      let thousandths = String(stamp.milliseconds % 1000 + 1000).dropFirst()
      return SimulatedAnswer(
        200, #"{"iso":"\#(text: stamp.inMilliseconds)","epoch":\#(stamp.seconds).\#(text: String(thousandths))}"#)
    case ("currencies", 1): return SimulatedAnswer(200, currencies(reader))
    case ("products", 1):
      return SimulatedAnswer(200, .array(CoinbaseProduct.all(reader).map { product($0, reader) }))
    case ("products", 2...3):
      guard let product = CoinbaseProduct(parts[1], reader) else { return Self.notFound }
      return parts.count == 2
        ? SimulatedAnswer(200, self.product(product, reader))
        : answer(parts[2], product, query, &reader, at: now)
    default: return Self.notFound
    }
  }

  private static let notFound = SimulatedAnswer(404, #"{"message":"NotFound"}"#)

  private func answer(
    _ name: String, _ product: CoinbaseProduct, _ query: Query, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer {
    switch name {
    case "candles": return candles(product, query, &reader, at: now)
    case "trades": return trades(product, query, &reader, at: now)
    case "ticker": return SimulatedAnswer(200, ticker(product, &reader, at: now))
    case "stats":
      guard let day = DayStatistics(product.series, minutes: 1440, &reader, at: now)?.bar.candle else {
        return Self.notFound
      }
      return SimulatedAnswer(
        200,
        """
        {"open":"\(short: day.open)","high":"\(short: day.high)","low":"\(short: day.low)",\
        "last":"\(short: day.close)","volume":"\(short: day.volume ?? .zero)","volume_30day":"0"}
        """)
    case "book":
      let level = Int(query["level"] ?? "1") ?? 1
      guard let book = reader.book(product.series, at: now), (1...3).contains(level) else { return Self.notFound }
      let count = level == 1 ? 1 : SimulatedBook.depth
      func levels(_ levels: [BookUpdate.Level]) -> JSONText {
        .array(levels.prefix(count).map { #"["\#(short: $0.price)","\#(short: $0.quantity)",1]"# })
      }
      return SimulatedAnswer(
        200,
        """
        {"bids":\(levels(book.bids)),"asks":\(levels(book.asks)),"sequence":\(book.updateId * 3),\
        "auction_mode":false,"auction":null,"time":"\(text: reader.stamp(now).inMicroseconds)"}
        """)
    default: return Self.notFound
    }
  }

  /// Newest first; minutes without trades are absent.
  private func candles(
    _ product: CoinbaseProduct, _ query: Query, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer {
    let seconds = query["granularity"].map { Int64($0) } ?? 60
    guard let seconds, [60, 300, 900, 3600, 21_600, 86_400].contains(seconds) else {
      return SimulatedAnswer(400, #"{"message":"Unsupported granularity"}"#)
    }
    let interval = CandleInterval(minutes: seconds / 60, name: "")
    let (from, through) = (query["start"].flatMap(Self.instant), query["end"].flatMap(Self.instant))
    if (query["start"] != nil && from == nil) || (query["end"] != nil && through == nil) {
      return SimulatedAnswer(400, #"{"message":"start and end must be valid ISO 8601 or epoch times"}"#)
    }
    if let from, let through {
      let count = through.seconds.flooredQuotient(seconds) - (from.seconds - 1).flooredQuotient(seconds)
      guard count <= Self.mostBuckets else {
        return SimulatedAnswer(
          400,
          #"{"message":"granularity too small for the requested time range. Count of aggregations requested exceeds 300"}"#
        )
      }
    }
    let bars = reader.bars(
      product.series, interval, from: from, through: through, limit: Int(Self.mostBuckets), at: now)
    let rows = bars.reversed().lazy.filter { !$0.isQuiet }.map { bar -> JSONText in
      let candle = bar.candle
      return """
        [\(candle.openTime.seconds),\(short: candle.low),\(short: candle.high),\(short: candle.open),\
        \(short: candle.close),\(short: candle.volume ?? .zero)]
        """
    }
    return SimulatedAnswer(200, .array(rows))
  }

  private static func instant(_ text: String) -> Timestamp? {
    if !text.isEmpty, text.utf8.count <= 11, text.utf8.allSatisfy(\.isDigit) {
      return Int64(text).map { Timestamp(seconds: $0) }
    }
    return Timestamp(text)
  }

  /// Newest first; `after` an id come older ones, `before` it newer ones.
  private func trades(
    _ product: CoinbaseProduct, _ query: Query, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer {
    let limit = min(max(query["limit"].flatMap { Int($0) } ?? 1000, 1), 1000)
    let last = reader.lastTradeId(product.series, at: now)
    var end = last
    if let after = query["after"].flatMap({ Int64($0) }), after > 0 { end = min(last, after - 1) }
    let start = max(1, end - Int64(limit) + 1, min(query["before"].flatMap { Int64($0) } ?? 0, last) + 1)
    guard start <= end else { return SimulatedAnswer(200, "[]") }
    let trades = reader.trades(product.series, fromId: start, limit: Int(end - start + 1), at: now)
    let rows = trades.reversed().map { trade -> JSONText in
      """
      {"trade_id":\(trade.id),"side":"\(text: trade.isTakerBuyer ? "sell" : "buy")","size":"\(trade.quantity)",\
      "price":"\(trade.price)","time":"\(text: trade.time.inMicroseconds)"}
      """
    }
    return SimulatedAnswer(
      200, .array(rows), headers: [VenueHeader("CB-BEFORE", String(end)), VenueHeader("CB-AFTER", String(start))])
  }

  private func ticker(_ product: CoinbaseProduct, _ reader: inout MarketReader, at now: Timestamp) -> JSONText {
    let quote = reader.book(product.series, at: now, depth: 1)?.quote
    let last = reader.newestTrades(product.series, limit: 1, at: now).last
    let day = DayStatistics(product.series, minutes: 1440, &reader, at: now)?.bar.candle
    return """
      {"ask":"\(short: quote?.askPrice ?? .zero)","bid":"\(short: quote?.bidPrice ?? .zero)",\
      "volume":"\(short: day?.volume ?? .zero)","trade_id":\(last?.id ?? 0),"price":"\(short: last?.price ?? .zero)",\
      "size":"\(short: last?.quantity ?? .zero)","time":"\(text: (last?.time ?? now).inMicroseconds)"}
      """
  }

  private func product(_ product: CoinbaseProduct, _ reader: MarketReader) -> JSONText {
    let grid = reader.market.series[product.series].grid
    return """
      {"id":"\(text: product.id)","base_currency":"\(text: product.pair.base)",\
      "quote_currency":"\(text: product.pair.quote)","quote_increment":"\(short: grid.price(1))",\
      "base_increment":"\(short: grid.quantity(1))","display_name":"\(text: product.id)","min_market_funds":"1",\
      "margin_enabled":false,"post_only":false,"limit_only":false,"cancel_only":false,"status":"online",\
      "status_message":"","trading_disabled":false,"fx_stablecoin":false,"max_slippage_percentage":"0.02000000",\
      "auction_mode":false,"high_bid_limit_percentage":""}
      """
  }

  private func currencies(_ reader: MarketReader) -> JSONText {
    let pairs = CoinbaseProduct.all(reader).map(\.pair)
    return .array(
      Set(pairs.flatMap { [$0.base, $0.quote] }).sorted().map { name in
        """
        {"id":"\(text: name)","name":"\(text: name)","min_size":"0.00000001","status":"online","message":"",\
        "max_precision":"0.00000001","convertible_to":[],"details":{"type":"crypto"},"default_network":"",\
        "supported_networks":[]}
        """
      })
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer {
    switch status {
    case 429: SimulatedAnswer(429, #"{"message":"Public rate limit exceeded"}"#)
    case 400..<500: SimulatedAnswer(status, #"{"message":"Forbidden"}"#)
    default: SimulatedAnswer(status: status, body: Array("Service Unavailable".utf8))
    }
  }

  // MARK: Sockets

  mutating func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer? {
    nil
  }

  mutating func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    guard let message = text.scanned(CoinbaseSubscription.init),
      message.type == "subscribe" || message.type == "unsubscribe"
    else {
      return socket.outbox.append(
        Frame(#"{"type":"error","message":"Malformed JSON","reason":"the message is no subscription"}"#, .control))
    }
    for channel in message.channels {
      let products = channel.products.isEmpty ? message.products : channel.products
      for id in products {
        guard let product = CoinbaseProduct(id, reader) else {
          let reason: JSONText = #""reason":"\#(text: id.filter { $0.isLetter || $0 == "-" }) is not a valid product""#
          return socket.outbox.append(Frame(#"{"type":"error","message":"Failed to subscribe",\#(reason)}"#, .control))
        }
        let name = channel.name + " " + id
        if message.type == "unsubscribe" {
          socket.feeds.removeAll { $0.name == name }
        } else if !socket.feeds.contains(where: { $0.name == name }) {
          subscribe(channel.name, product, &socket, &reader, at: now)
        }
      }
    }
    socket.outbox.insert(Frame(subscriptions(socket), .control), at: 0)
  }

  private func subscribe(
    _ channel: String, _ product: CoinbaseProduct, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) {
    let contents: [String: Feed.Content] = [
      "heartbeat": .pulses(every: 1_000_000), "ticker": .aggregates, "ticker_batch": .pulses(every: 5_000_000),
      "matches": .aggregates, "level2": .bookChanges(every: 50_000), "level2_batch": .bookChanges(every: 50_000),
    ]
    let feed = Feed(
      channel + " " + product.id, contents[channel] ?? .nothing, series: product.series, from: now, &reader)
    if channel == "matches", let last = reader.newestTrades(product.series, limit: 1, at: now).last {
      socket.outbox.append(Frame(match(last, "last_match", product.id, reader)))
    }
    if channel.hasPrefix("level2"), let book = feed.firstBook {
      func levels(_ levels: [BookUpdate.Level]) -> JSONText {
        .array(levels.map { #"["\#($0.price)","\#($0.quantity)"]"# })
      }
      socket.outbox.append(
        Frame(
          """
          {"type":"snapshot","product_id":"\(text: product.id)","bids":\(levels(book.bids)),\
          "asks":\(levels(book.asks)),"time":"\(text: reader.stamp(now).inMicroseconds)"}
          """))
    }
    socket.feeds.append(feed)
  }

  private func subscriptions(_ socket: SimulatedSocket) -> JSONText {
    var products: [String: [String]] = [:]
    for feed in socket.feeds {
      let words = feed.name.split(separator: " ").map(String.init)
      products[words[0], default: []].append(words[1])
    }
    let channels = products.sorted { $0.key < $1.key }.map { name, ids -> JSONText in
      #"{"name":"\#(text: name)","product_ids":\#(.array(ids.map { "\(quoted: $0)" }))}"#
    }
    return #"{"type":"subscriptions","channels":\#(.array(channels))}"#
  }

  // MARK: Payloads

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    let words = feed.name.split(separator: " ").map(String.init)
    let stamp = reader.stamp(now)
    switch event {
    case .aggregate(let aggregate, let minute):
      if words[0] == "matches" {
        return minute.trades(of: aggregate).map { Frame(match($0, "match", words[1], reader), .trade) }
      }
      guard let last = minute.trades(of: aggregate).last else { return [] }
      return [Frame(tickerMessage(last, words[1], feed.series, &reader, at: now))]
    case .changes(let update, _):
      let changes =
        update.bids.map { level -> JSONText in #"["buy","\#(pair: level)"]"# }
        + update.asks.map { level -> JSONText in #"["sell","\#(pair: level)"]"# }
      return [
        Frame(
          """
          {"type":"l2update","product_id":"\(text: words[1])","changes":\(.array(changes)),\
          "time":"\(text: stamp.inMicroseconds)"}
          """)
      ]
    case .pulse where words[0] == "heartbeat":
      let last = reader.lastTradeId(feed.series, at: now)
      return [
        Frame(
          """
          {"type":"heartbeat","sequence":\(last * 3),"last_trade_id":\(last),"product_id":"\(text: words[1])",\
          "time":"\(text: stamp.inMicroseconds)"}
          """)
      ]
    case .pulse:
      guard let last = reader.newestTrades(feed.series, limit: 1, at: now).last else { return [] }
      return [Frame(tickerMessage(last, words[1], feed.series, &reader, at: now))]
    case .bar, .book, .tick: return []
    }
  }

  /// The side is the maker's.
  private func match(_ trade: Trade, _ type: String, _ product: String, _ reader: MarketReader) -> JSONText {
    let digits = String(trade.id)
    let tail = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    return """
      {"type":"\(text: type)","trade_id":\(trade.id),"sequence":\(trade.id * 3),\
      "maker_order_id":"00000000-0000-4000-8000-\(text: tail)","taker_order_id":"00000000-0000-4000-9000-\(text: tail)",\
      "time":"\(text: trade.time.inMicroseconds)","product_id":"\(text: product)","size":"\(short: trade.quantity)",\
      "price":"\(short: trade.price)","side":"\(text: trade.isTakerBuyer ? "sell" : "buy")"}
      """
  }

  private func tickerMessage(
    _ last: Trade, _ product: String, _ series: Int, _ reader: inout MarketReader, at now: Timestamp
  ) -> JSONText {
    let quote = reader.book(series, at: now, depth: 1)?.quote
    let bar = DayStatistics(series, minutes: 1440, &reader, at: now)?.bar.candle
    return """
      {"type":"ticker","sequence":\(last.id * 3),"product_id":"\(text: product)","price":"\(short: last.price)",\
      "open_24h":"\(short: bar?.open ?? last.price)","volume_24h":"\(short: bar?.volume ?? .zero)",\
      "low_24h":"\(short: bar?.low ?? last.price)","high_24h":"\(short: bar?.high ?? last.price)","volume_30d":"0",\
      "best_bid":"\(short: quote?.bidPrice ?? .zero)","best_bid_size":"\(short: quote?.bidQuantity ?? .zero)",\
      "best_ask":"\(short: quote?.askPrice ?? .zero)","best_ask_size":"\(short: quote?.askQuantity ?? .zero)",\
      "side":"\(text: last.isTakerBuyer ? "buy" : "sell")","time":"\(text: last.time.inMicroseconds)",\
      "trade_id":\(last.id),"last_size":"\(short: last.quantity)"}
      """
  }
}

extension JSONText.StringInterpolation {
  /// A level of a book between two quotation marks that are already there.
  fileprivate mutating func appendInterpolation(pair level: BookUpdate.Level) {
    appendInterpolation(short: level.price)
    appendLiteral("\",\"")
    appendInterpolation(short: level.quantity)
  }
}

/// What a client of either Coinbase feed asks.
struct CoinbaseSubscription {
  var type: String
  var products: [String]
  /// Exchange: names, or objects with their own products. Advanced Trade: one.
  var channels: [(name: String, products: [String])]

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var type = ""
    var products: [String] = []
    var channels: [(name: String, products: [String])] = []
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "type": type = try scanner.string()
      case "product_ids": products = try Self.strings(&scanner)
      case "channel": channels = [(try scanner.string(), [])]
      case "channels":
        try scanner.array { scanner, _ throws(VenueError) in channels.append(try Self.channel(&scanner)) }
      default: try scanner.skip()
      }
    }
    try scanner.end()
    (self.type, self.products, self.channels) = (type, products, channels)
  }

  private static func channel(
    _ scanner: inout JSONScanner
  ) throws(VenueError) -> (name: String, products: [String]) {
    guard scanner.peek() == .object else { return (try scanner.string(), []) }
    var channel = (name: "", products: [String]())
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "name": channel.name = try scanner.string()
      case "product_ids": channel.products = try strings(&scanner)
      default: try scanner.skip()
      }
    }
    return channel
  }

  private static func strings(_ scanner: inout JSONScanner) throws(VenueError) -> [String] {
    var texts: [String] = []
    try scanner.array { scanner, _ throws(VenueError) in texts.append(try scanner.string()) }
    return texts
  }
}
