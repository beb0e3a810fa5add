import Market
import Venues

extension BinanceDialect {
  private static let mostMessagesPerSecond = 5
  private static let mostStreams = 1024

  // MARK: Sockets

  func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer? {
    if flavour == .binary, (socket.header("X-MBX-APIKEY") ?? "").isEmpty {
      return SimulatedAnswer(401, #"{"code":-2014,"msg":"API-key format invalid."}"#)
    }
    let query = Query(socket.path)
    socket.isInMicroseconds = flavour != .us && query["timeUnit"]?.uppercased() == "MICROSECOND"
    var names: [Substring] = []
    if query.path == "/stream" || query.path == "/stream/" {
      socket.isCombined = true
      names = query["streams"]?.split(separator: "/") ?? []
    } else if query.path == "/ws" || query.path.hasPrefix("/ws/") {
      names = query.path.dropFirst(4).split(separator: "/")
    } else {
      return SimulatedAnswer(404, #"{"code":-1000,"msg":"no such path"}"#)
    }
    for name in names.prefix(Self.mostStreams) { subscribe(String(name), &socket, &reader, at: now) }
    return nil
  }

  private func subscribe(
    _ name: String, _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    guard socket.feeds.count < Self.mostStreams, !socket.feeds.contains(where: { $0.name == name }) else { return }
    if name == "!miniTicker@arr" {
      return socket.feeds.append(Feed(name, .pulses(every: 1_000_000), from: now, &reader))
    }
    let parts = name.split(separator: "@", maxSplits: 1)
    guard parts.count == 2, parts[0] == parts[0].lowercased(), let series = reader.series(parts[0].uppercased()),
      let content = flavour == .binary ? Self.binaryContent(parts[1]) : Self.content(parts[1])
    else { return socket.feeds.append(Feed(name, .nothing, from: now, &reader)) }
    socket.feeds.append(Feed(name, content, series: series, from: now, &reader))
  }

  private static func content(_ stream: Substring) -> Feed.Content? {
    switch stream {
    case "aggTrade", "trade", "bookTicker": return .aggregates
    case "depth": return .bookChanges(every: 1_000_000)
    case "depth@100ms": return .bookChanges(every: 100_000)
    case "depth5", "depth10", "depth20": return .books(every: 1_000_000)
    case "depth5@100ms", "depth10@100ms", "depth20@100ms": return .books(every: 100_000)
    case "miniTicker", "ticker", "avgPrice": return .pulses(every: 1_000_000)
    default:
      guard stream.hasPrefix("kline_"), let interval = CandleInterval(binance: String(stream.dropFirst(6))) else {
        return nil
      }
      return .bars(interval, every: 2_000_000)
    }
  }

  private static func binaryContent(_ stream: Substring) -> Feed.Content? {
    switch stream {
    case "trade", "bestBidAsk": .aggregates
    case "depth": .bookChanges(every: 25_000)
    case "depth20": .books(every: 50_000)
    default: nil
    }
  }

  // MARK: Control messages

  func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    if socket.received.second != now.seconds { socket.received = (now.seconds, 0) }
    socket.received.count += 1
    guard socket.received.count <= Self.mostMessagesPerSecond else { return socket.closing = 1008 }
    guard let message = text.scanned(BinanceControl.init) else {
      return socket.outbox.append(
        Frame(#"{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}"#, .control))
    }
    socket.outbox.append(Frame(reply(to: message, &socket, &reader, at: now), .control))
  }

  private func reply(
    to message: BinanceControl, _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> JSONText {
    switch message.method {
    case "SUBSCRIBE":
      for name in message.names { subscribe(name, &socket, &reader, at: now) }
      return #"{"result":null,"id":\#(message.id)}"#
    case "UNSUBSCRIBE":
      socket.feeds.removeAll { message.names.contains($0.name) }
      return #"{"result":null,"id":\#(message.id)}"#
    case "LIST_SUBSCRIPTIONS":
      let names = JSONText.array(socket.feeds.map { "\(quoted: $0.name)" })
      return #"{"result":\#(names),"id":\#(message.id)}"#
    case "SET_PROPERTY":
      guard message.names == ["combined"], let flag = message.flag else {
        return #"{"code":0,"msg":"Unknown property","id":\#(message.id)}"#
      }
      socket.isCombined = flag
      return #"{"result":null,"id":\#(message.id)}"#
    case "GET_PROPERTY":
      guard message.names == ["combined"] else { return #"{"code":0,"msg":"Unknown property","id":\#(message.id)}"# }
      return #"{"result":\#(socket.isCombined),"id":\#(message.id)}"#
    default:
      let reason = """
        Invalid request: unknown variant `\(message.method)`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, \
        `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 21
        """
      return #"{"code":2,"msg":\#(quoted: reason)}"#
    }
  }

  func shutdownNotice(_ socket: SimulatedSocket, at now: Timestamp) -> Frame? {
    let time = now.count(inMicroseconds: socket.isInMicroseconds)
    let notice: JSONText = #"{"e":"serverShutdown","E":\#(time)}"#
    return Frame(socket.isCombined ? #"{"stream":"!serverShutdown","data":\#(notice)}"# : notice, .control)
  }

  // MARK: Payloads

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    if flavour == .binary { return binaryFrames(for: event, of: feed, &reader, at: now) }
    let writer = BinanceStreamWriter(
      symbol: reader.market.series[feed.series].symbol.name, stamp: reader.stamp(now), feed: feed.name,
      isInMicroseconds: socket.isInMicroseconds)
    return writer.payloads(for: event, &reader, series: feed.series, at: now).map { payload, kind in
      Frame(socket.isCombined ? #"{"stream":"\#(text: feed.name)","data":\#(payload)}"# : payload, kind)
    }
  }
}

/// Writes the payloads of one stream at one instant.
private struct BinanceStreamWriter {
  let symbol: String
  let stamp: Timestamp
  let feed: String
  let isInMicroseconds: Bool

  func payloads(
    for event: Feed.Event, _ reader: inout MarketReader, series: Int, at now: Timestamp
  ) -> [(JSONText, Frame.Kind)] {
    switch event {
    case .aggregate(let aggregate, let minute):
      if feed.hasSuffix("@aggTrade") { return [(text(aggregate), .trade)] }
      if feed.hasSuffix("@trade") { return minute.trades(of: aggregate).map { (text($0), .trade) } }
      return reader.book(series, after: aggregate, depth: 1).quote.map { [(text($0), .data)] } ?? []
    case .bar(let bar, let isClosed): return [(text(bar, isClosed), isClosed ? .closedBar : .data)]
    case .changes(let update, _): return [(text(update), .data)]
    case .book(let book): return [(text(book), .data)]
    case .pulse: return [(pulse(&reader, series: series, at: now), .data)]
    case .tick: return []
    }
  }

  private func time(_ time: Timestamp) -> Int64 { time.count(inMicroseconds: isInMicroseconds) }

  private func text(_ trade: AggregateTrade) -> JSONText {
    """
    {"e":"aggTrade","E":\(time(stamp)),"s":"\(text: symbol)","a":\(trade.id),"p":"\(trade.price)",\
    "q":"\(trade.quantity)","f":\(trade.firstTradeId),"l":\(trade.lastTradeId),"T":\(time(trade.time)),\
    "m":\(!trade.isTakerBuyer),"M":true}
    """
  }

  private func text(_ trade: Trade) -> JSONText {
    """
    {"e":"trade","E":\(time(stamp)),"s":"\(text: symbol)","t":\(trade.id),"p":"\(trade.price)",\
    "q":"\(trade.quantity)","T":\(time(trade.time)),"m":\(!trade.isTakerBuyer),"M":true}
    """
  }

  private func text(_ quote: Quote) -> JSONText {
    """
    {"u":\(quote.updateId ?? 0),"s":"\(text: symbol)","b":"\(quote.bidPrice)","B":"\(quote.bidQuantity)",\
    "a":"\(quote.askPrice)","A":"\(quote.askQuantity)"}
    """
  }

  private func text(_ bar: Bar, _ isClosed: Bool) -> JSONText {
    let candle = bar.candle
    let end = isInMicroseconds ? bar.end.microseconds - 1 : bar.end.milliseconds - 1
    let interval = feed.split(separator: "_").last ?? "1m"
    let sums: JSONText = """
      "q":"\(candle.quoteVolume ?? .zero)","V":"\(candle.takerBuyBase ?? .zero)",\
      "Q":"\(candle.takerBuyQuote ?? .zero)","B":"0"
      """
    return """
      {"e":"kline","E":\(time(stamp)),"s":"\(text: symbol)","k":{"t":\(time(candle.openTime)),"T":\(end),\
      "s":"\(text: symbol)","i":"\(text: String(interval))","f":\(bar.isQuiet ? -1 : bar.firstTradeId),\
      "L":\(bar.isQuiet ? -1 : bar.lastTradeId),"o":"\(candle.open)","c":"\(candle.close)","h":"\(candle.high)",\
      "l":"\(candle.low)","v":"\(candle.volume ?? .zero)","n":\(candle.trades ?? 0),"x":\(isClosed),\(sums)}}
      """
  }

  private func text(_ update: BookUpdate) -> JSONText {
    """
    {"e":"depthUpdate","E":\(time(stamp)),"s":"\(text: symbol)","U":\(update.firstId ?? 0),"u":\(update.lastId ?? 0),\
    "b":\(BinanceRest.levels(update.bids)),"a":\(BinanceRest.levels(update.asks))}
    """
  }

  private func text(_ book: SimulatedBook) -> JSONText {
    let depth = feed.contains("@depth5") ? 5 : feed.contains("@depth10") ? 10 : 20
    return """
      {"lastUpdateId":\(book.updateId),"bids":\(BinanceRest.levels(book.bids.prefix(depth))),\
      "asks":\(BinanceRest.levels(book.asks.prefix(depth)))}
      """
  }

  private func pulse(_ reader: inout MarketReader, series: Int, at now: Timestamp) -> JSONText {
    if feed == "!miniTicker@arr" {
      var all: [JSONText] = []
      for series in reader.market.series.indices {
        let name = reader.market.series[series].symbol.name
        all.append(mini(name, DayStatistics(series, minutes: 1440, &reader, at: now)))
      }
      return .array(all)
    }
    if feed.hasSuffix("@avgPrice") {
      let mean = DayStatistics(series, minutes: 5, &reader, at: now)?.mean ?? .zero
      let last = reader.last(series, at: now)?.time ?? now
      return """
        {"e":"avgPrice","E":\(time(stamp)),"s":"\(text: symbol)","i":"5m","w":"\(mean)","T":\(time(last))}
        """
    }
    let day = DayStatistics(series, minutes: 1440, &reader, at: now)
    guard feed.hasSuffix("@ticker"), let day else { return mini(symbol, day) }
    return full(day, &reader, series: series, at: now)
  }

  private func mini(_ symbol: String, _ day: DayStatistics?) -> JSONText {
    let bar = day?.bar.candle
    return """
      {"e":"24hrMiniTicker","E":\(time(stamp)),"s":"\(text: symbol)","c":"\(bar?.close ?? .zero)",\
      "o":"\(bar?.open ?? .zero)","h":"\(bar?.high ?? .zero)","l":"\(bar?.low ?? .zero)",\
      "v":"\(bar?.volume ?? .zero)","q":"\(bar?.quoteVolume ?? .zero)"}
      """
  }

  private func full(
    _ day: DayStatistics, _ reader: inout MarketReader, series: Int, at now: Timestamp
  ) -> JSONText {
    let bar = day.bar.candle
    let quote = reader.book(series, at: now, depth: 1)?.quote
    let last = reader.last(series, at: now)?.quantity ?? .zero
    let sums: JSONText = """
      "o":"\(bar.open)","h":"\(bar.high)","l":"\(bar.low)","v":"\(bar.volume ?? .zero)",\
      "q":"\(bar.quoteVolume ?? .zero)"
      """
    return """
      {"e":"24hrTicker","E":\(time(stamp)),"s":"\(text: symbol)","p":"\(day.change)","P":"\(text: day.changePercent)",\
      "w":"\(day.mean)","x":"\(bar.open)","c":"\(bar.close)","Q":"\(last)","b":"\(quote?.bidPrice ?? .zero)",\
      "B":"\(quote?.bidQuantity ?? .zero)","a":"\(quote?.askPrice ?? .zero)","A":"\(quote?.askQuantity ?? .zero)",\
      \(sums),"O":\(time(now.adding(microseconds: -Timestamp.microsecondsPerDay))),"C":\(time(now)),\
      "F":\(day.bar.firstTradeId),"L":\(day.bar.lastTradeId),"n":\(bar.trades ?? 0)}
      """
  }
}

/// What a client asks of a socket.
private struct BinanceControl {
  var method = ""
  var names: [String] = []
  var flag: Bool?
  /// As it came: a number, a quoted string or null.
  var id: JSONText = "null"

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var control = (method: "", names: [String](), flag: Bool?.none, id: JSONText("null"))
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "method": control.method = try scanner.string()
      case "params":
        try scanner.array { scanner, _ throws(VenueError) in
          if scanner.peek() == .boolean {
            control.flag = try scanner.boolean()
          } else {
            control.names.append(try scanner.string())
          }
        }
      case "id":
        switch scanner.peek() {
        case .number: control.id = "\(try scanner.integer())"
        case .string: control.id = "\(quoted: try scanner.string())"
        default: try scanner.skip()
        }
      default: try scanner.skip()
      }
    }
    try scanner.end()
    (method, names, flag, id) = control
  }
}
