import Market
import Venues

/// Coinbase Advanced Trade: `api.coinbase.com/api/v3/brokerage` and `advanced-trade-ws.coinbase.com`.
struct CoinbaseAdvancedDialect: Dialect {
  private static let mostBuckets = 350
  private var limit = RequestRate(perSecond: 10, burst: 10)

  private static let granularities: [String: Int64] = [
    "ONE_MINUTE": 1, "FIVE_MINUTE": 5, "FIFTEEN_MINUTE": 15, "THIRTY_MINUTE": 30, "ONE_HOUR": 60, "TWO_HOUR": 120,
    "FOUR_HOUR": 240, "SIX_HOUR": 360, "ONE_DAY": 1440,
  ]

  // MARK: Requests

  mutating func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    guard limit.take(at: now) else { return refusal(status: 429, at: now) }
    let query = Query(request.path)
    let parts = query.path.split(separator: "/").map(String.init)
    guard parts.starts(with: ["api", "v3", "brokerage"]) else { return Self.notFound }
    let rest = Array(parts.dropFirst(3))
    if rest == ["time"] {
      let stamp = reader.stamp(now)
      return SimulatedAnswer(
        200,
        """
        {"iso":"\(text: stamp.inSeconds)","epochSeconds":"\(stamp.seconds)","epochMillis":"\(stamp.milliseconds)"}
        """)
    }
    if rest == ["market", "product_book"] { return book(query, &reader, at: now) }
    guard rest.starts(with: ["market", "products"]) else { return Self.notFound }
    if rest.count == 2 {
      var items: [JSONText] = []
      for product in CoinbaseProduct.all(reader) { items.append(self.product(product, &reader, at: now)) }
      return SimulatedAnswer(200, #"{"products":\#(.array(items)),"num_products":\#(items.count)}"#)
    }
    guard let product = CoinbaseProduct(rest[2], reader) else { return Self.notFound }
    switch rest.dropFirst(3).first {
    case nil: return SimulatedAnswer(200, self.product(product, &reader, at: now))
    case "candles": return candles(product, query, &reader, at: now)
    case "ticker": return ticker(product, query, &reader, at: now)
    default: return Self.notFound
    }
  }

  private static let notFound = SimulatedAnswer(
    404, #"{"error":"NOT_FOUND","error_details":"valid product_id is required","message":"not found"}"#)

  private static func invalid(_ reason: String) -> SimulatedAnswer {
    SimulatedAnswer(
      400, #"{"error":"INVALID_ARGUMENT","error_details":\#(quoted: reason),"message":\#(quoted: reason)}"#)
  }

  /// Newest first; minutes without trades are absent.
  private func candles(
    _ product: CoinbaseProduct, _ query: Query, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer {
    guard let from = query["start"].flatMap({ Int64($0) }), let through = query["end"].flatMap({ Int64($0) }),
      (0...10_000_000_000).contains(from), (from...10_000_000_000).contains(through)
    else { return Self.invalid("start and end are required, in seconds") }
    guard let minutes = query["granularity"].flatMap({ Self.granularities[$0] }) else {
      return Self.invalid("granularity is required")
    }
    let count = through.flooredQuotient(minutes * 60) - (from - 1).flooredQuotient(minutes * 60)
    guard count <= Int64(Self.mostBuckets) else {
      return Self.invalid("number of candles requested should be less than 350")
    }
    let limit = min(query["limit"].flatMap { Int($0) } ?? Self.mostBuckets, Self.mostBuckets)
    let bars = reader.bars(
      product.series, CandleInterval(minutes: minutes, name: ""), from: Timestamp(seconds: from),
      through: Timestamp(seconds: through), limit: Self.mostBuckets, at: now)
    let rows = bars.reversed().lazy.filter { !$0.isQuiet }.prefix(max(0, limit)).map { bar -> JSONText in
      let candle = bar.candle
      return """
        {"start":"\(candle.openTime.seconds)","low":"\(short: candle.low)","high":"\(short: candle.high)",\
        "open":"\(short: candle.open)","close":"\(short: candle.close)","volume":"\(short: candle.volume ?? .zero)"}
        """
    }
    return SimulatedAnswer(200, #"{"candles":\#(.array(rows))}"#)
  }

  /// Newest first; within `start` and `end` (seconds) if given.
  private func ticker(
    _ product: CoinbaseProduct, _ query: Query, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer {
    let limit = min(max(query["limit"].flatMap { Int($0) } ?? 100, 1), 1000)
    let end = query["end"].flatMap { Int64($0) }.map { Timestamp(seconds: min(max($0, 0), 10_000_000_000)) } ?? now
    let start = query["start"].flatMap { Int64($0) }.map { Timestamp(seconds: min(max($0, 0), 10_000_000_000)) }
    let trades = reader.newestTrades(product.series, limit: limit, at: min(now, end))
    let rows = trades.reversed().lazy.filter { $0.time >= start ?? .distantPast }.map { trade -> JSONText in
      """
      {"trade_id":"\(trade.id)","product_id":"\(text: product.id)","price":"\(short: trade.price)",\
      "size":"\(short: trade.quantity)","time":"\(text: trade.time.inMicroseconds)",\
      "side":"\(text: Self.side(trade))","bid":"","ask":"","exchange":"coinbase"}
      """
    }
    let quote = reader.book(product.series, at: now, depth: 1)?.quote
    return SimulatedAnswer(
      200,
      """
      {"trades":\(.array(rows)),"best_bid":"\(short: quote?.bidPrice ?? .zero)",\
      "best_ask":"\(short: quote?.askPrice ?? .zero)"}
      """)
  }

  /// The maker's.
  private static func side(_ trade: Trade) -> String { trade.isTakerBuyer ? "SELL" : "BUY" }

  private func book(_ query: Query, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    guard let product = query["product_id"].flatMap({ CoinbaseProduct($0, reader) }),
      let book = reader.book(product.series, at: now), let quote = book.quote
    else { return Self.notFound }
    let limit = min(max(query["limit"].flatMap { Int($0) } ?? SimulatedBook.depth, 1), SimulatedBook.depth)
    func levels(_ levels: [BookUpdate.Level]) -> JSONText {
      .array(levels.prefix(limit).map { #"{"price":"\#(short: $0.price)","size":"\#(short: $0.quantity)"}"# })
    }
    let middle = Decimal8(units: (quote.bidPrice.units + quote.askPrice.units) / 2) ?? quote.bidPrice
    let spread = Decimal8(units: quote.askPrice.units - quote.bidPrice.units) ?? .zero
    let basisPoints = Decimal8(units: spread.units * 10_000 * Decimal8.scale / max(1, middle.units)) ?? .zero
    return SimulatedAnswer(
      200,
      """
      {"pricebook":{"product_id":"\(text: product.id)","bids":\(levels(book.bids)),"asks":\(levels(book.asks)),\
      "time":"\(text: reader.stamp(now).inMicroseconds)"},"last":"\(short: middle)","mid_market":"\(short: middle)",\
      "spread_bps":"\(short: basisPoints)","spread_absolute":"\(short: spread)"}
      """)
  }

  private func product(_ product: CoinbaseProduct, _ reader: inout MarketReader, at now: Timestamp) -> JSONText {
    let grid = reader.market.series[product.series].grid
    let day = DayStatistics(product.series, minutes: 1440, &reader, at: now)
    return """
      {"product_id":"\(text: product.id)","price":"\(short: day?.bar.candle.close ?? .zero)",\
      "price_percentage_change_24h":"\(text: day?.changePercent ?? "0")",\
      "volume_24h":"\(short: day?.bar.candle.volume ?? .zero)","base_increment":"\(short: grid.quantity(1))",\
      "quote_increment":"\(short: grid.price(1))","quote_min_size":"1","quote_max_size":"150000000",\
      "base_min_size":"\(short: grid.quantity(1))","base_max_size":"3400","base_name":"\(text: product.pair.base)",\
      "quote_name":"\(text: product.pair.quote)","watched":false,"is_disabled":false,"new":false,"status":"online",\
      "cancel_only":false,"limit_only":false,"post_only":false,"trading_disabled":false,"auction_mode":false,\
      "product_type":"SPOT","quote_currency_id":"\(text: product.pair.quote)",\
      "base_currency_id":"\(text: product.pair.base)","alias":"","alias_to":[],\
      "base_display_symbol":"\(text: product.pair.base)","quote_display_symbol":"\(text: product.pair.quote)",\
      "view_only":false,"price_increment":"\(short: grid.price(1))","display_name":"\(text: product.id)",\
      "product_venue":"CBE"}
      """
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer {
    switch status {
    case 429: SimulatedAnswer(429, #"{"error":"RESOURCE_EXHAUSTED","error_details":"","message":"too many requests"}"#)
    case 400..<500: SimulatedAnswer(status, #"{"error":"PERMISSION_DENIED","error_details":"","message":"forbidden"}"#)
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
    guard let message = text.scanned(CoinbaseSubscription.init), let channel = message.channels.first?.name,
      message.type == "subscribe" || message.type == "unsubscribe"
    else {
      return socket.outbox.append(Frame(#"{"type":"error","message":"failure to subscribe"}"#, .control))
    }
    if channel == "heartbeats" {
      change(channel + " ", message.type, &socket) {
        Feed(channel + " ", .pulses(every: 1_000_000), from: now, &reader)
      }
    }
    for id in message.products where channel != "heartbeats" {
      guard let product = CoinbaseProduct(id, reader) else {
        socket.outbox.append(Frame(#"{"type":"error","message":"\#(text: "invalid product")"}"#, .control))
        continue
      }
      change(channel + " " + id, message.type, &socket) {
        Feed(channel + " " + id, Self.content(channel), series: product.series, from: now, &reader)
      }
      if message.type == "subscribe" { greet(channel, product, &socket, &reader, at: now) }
    }
    let subscriptions = subscriptions(socket, reader.stamp(now))
    let number = socket.nextSequence()
    socket.outbox.append(Frame(envelope("subscriptions", number, reader.stamp(now), subscriptions), .control))
  }

  private func change(_ name: String, _ type: String, _ socket: inout SimulatedSocket, _ feed: () -> Feed) {
    if type == "unsubscribe" {
      socket.feeds.removeAll { $0.name == name }
    } else if !socket.feeds.contains(where: { $0.name == name }) {
      socket.feeds.append(feed())
    }
  }

  private static func content(_ channel: String) -> Feed.Content {
    switch channel {
    case "market_trades", "ticker": .aggregates
    case "ticker_batch": .pulses(every: 5_000_000)
    case "candles": .pulses(every: 1_000_000)
    case "level2": .bookChanges(every: 50_000)
    default: .nothing
    }
  }

  /// What comes once at the beginning.
  private func greet(
    _ channel: String, _ product: CoinbaseProduct, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) {
    let stamp = reader.stamp(now)
    if channel == "market_trades" {
      let trades = reader.newestTrades(product.series, limit: 20, at: now)
      let event: JSONText = #"{"type":"snapshot","trades":\#(.array(trades.reversed().map { trade($0, product.id) }))}"#
      socket.outbox.append(Frame(envelope(channel, socket.nextSequence(), stamp, event)))
    }
    if channel == "level2", let book = reader.book(product.series, at: now) {
      let updates = levels(book.bids, "bid", stamp) + levels(book.asks, "offer", stamp)
      let event: JSONText = """
        {"type":"snapshot","product_id":"\(text: product.id)","updates":\(.array(updates))}
        """
      socket.outbox.append(Frame(envelope("l2_data", socket.nextSequence(), stamp, event)))
    }
  }

  private func subscriptions(_ socket: SimulatedSocket, _ stamp: Timestamp) -> JSONText {
    var products: [String: [String]] = [:]
    for feed in socket.feeds {
      let words = feed.name.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      products[words[0], default: []].append(words[1].isEmpty ? "heartbeats" : words[1])
    }
    var list: [UInt8] = []
    for (name, ids) in products.sorted(by: { $0.key < $1.key }) {
      let item: JSONText = #"\#(text: list.isEmpty ? "" : ",")"\#(text: name)":\#(.array(ids.map { "\(quoted: $0)" }))"#
      list += item.bytes
    }
    return #"{"subscriptions":{\#(JSONText(list))}}"#
  }

  // MARK: Payloads

  private func envelope(_ channel: String, _ number: Int64, _ stamp: Timestamp, _ event: JSONText) -> JSONText {
    """
    {"channel":"\(text: channel)","client_id":"","timestamp":"\(text: stamp.inMicroseconds)","sequence_num":\(number),\
    "events":[\(event)]}
    """
  }

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    let words = feed.name.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let stamp = reader.stamp(now)
    guard let payload = payload(event, words, feed.series, stamp, &reader, at: now) else { return [] }
    let channel = words[0] == "level2" ? "l2_data" : words[0]
    let kind: Frame.Kind = words[0] == "market_trades" ? .trade : .data
    return [Frame(envelope(channel, socket.nextSequence(), stamp, payload), kind)]
  }

  private func payload(
    _ event: Feed.Event, _ words: [String], _ series: Int, _ stamp: Timestamp, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> JSONText? {
    switch event {
    case .aggregate(let aggregate, let minute):
      if words[0] == "ticker" { return ticker(words[1], series, &reader, at: now) }
      let trades = minute.trades(of: aggregate).reversed().map { trade($0, words[1]) }
      return #"{"type":"update","trades":\#(.array(trades))}"#
    case .changes(let update, _):
      let updates = levels(update.bids, "bid", stamp) + levels(update.asks, "offer", stamp)
      return #"{"type":"update","product_id":"\#(text: words[1])","updates":\#(.array(updates))}"#
    case .pulse where words[0] == "heartbeats":
      let date = String(stamp.inSeconds.dropLast().map { $0 == "T" ? " " : $0 })
      return """
        {"current_time":"\(text: date).000000000+00:00","heartbeat_counter":\(stamp.seconds % 1_000_000)}
        """
    case .pulse where words[0] == "candles":
      let interval = CandleInterval(minutes: 5, name: "")
      guard let bar = reader.bar(series, interval, containing: now, at: now)?.candle else { return nil }
      return """
        {"type":"update","candles":[{"start":"\(bar.openTime.seconds)","high":"\(short: bar.high)",\
        "low":"\(short: bar.low)","open":"\(short: bar.open)","close":"\(short: bar.close)",\
        "volume":"\(short: bar.volume ?? .zero)","product_id":"\(text: words[1])"}]}
        """
    case .pulse: return ticker(words[1], series, &reader, at: now)
    case .bar, .book, .tick: return nil
    }
  }

  private func trade(_ trade: Trade, _ product: String) -> JSONText {
    """
    {"trade_id":"\(trade.id)","product_id":"\(text: product)","price":"\(short: trade.price)",\
    "size":"\(short: trade.quantity)","side":"\(text: Self.side(trade))","time":"\(text: trade.time.inMicroseconds)"}
    """
  }

  private func levels(_ levels: [BookUpdate.Level], _ side: String, _ stamp: Timestamp) -> [JSONText] {
    let time = stamp.inMicroseconds
    return levels.map {
      """
      {"side":"\(text: side)","event_time":"\(text: time)","price_level":"\(short: $0.price)",\
      "new_quantity":"\($0.quantity)"}
      """
    }
  }

  private func ticker(_ id: String, _ series: Int, _ reader: inout MarketReader, at now: Timestamp) -> JSONText? {
    guard let last = reader.last(series, at: now), let quote = reader.book(series, at: now, depth: 1)?.quote,
      let day = DayStatistics(series, minutes: 1440, &reader, at: now)
    else { return nil }
    let bar = day.bar.candle
    return """
      {"type":"update","tickers":[{"type":"ticker","product_id":"\(text: id)","price":"\(short: last.price)",\
      "volume_24_h":"\(short: bar.volume ?? .zero)","low_24_h":"\(short: bar.low)","high_24_h":"\(short: bar.high)",\
      "low_52_w":"\(short: bar.low)","high_52_w":"\(short: bar.high)",\
      "price_percent_chg_24_h":"\(text: day.changePercent)",\
      "best_bid":"\(short: quote.bidPrice)","best_bid_quantity":"\(quote.bidQuantity)",\
      "best_ask":"\(short: quote.askPrice)","best_ask_quantity":"\(quote.askQuantity)"}]}
      """
  }
}
