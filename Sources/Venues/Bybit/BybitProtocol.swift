package import Market

/// Public market data of Bybit's spot market, version 5.
package struct BybitProtocol: VenueProtocol {
  package let venue: Venue
  /// Levels a side of the book stream: 50, 200 or 1000.
  package let bookDepth: Int

  package init(venue: Venue = .bybit, bookDepth: Int = 200) { (self.venue, self.bookDepth) = (venue, bookDepth) }

  package var candleSource: CandleSource { .klines }

  /// What Bybit sends with a trade is the cross sequence, which jumps and repeats.
  package var numbersTrades: Bool { false }

  package var bookNumbering: OrderBook.Numbering { .steps }

  package func name(of symbol: Symbol) -> Symbol { symbol }

  // MARK: Stream

  /// One socket; a message may name ten topics, and one wrong topic refuses its whole message.
  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    let prefixes = Channel.allCases.filter(channels.contains).compactMap(topicPrefix)
    let topics = symbols.flatMap { symbol in prefixes.map { "\"\($0).\(symbol)\"" } }
    guard !topics.isEmpty else { return [] }
    let greetings = stride(from: 0, to: topics.count, by: Self.topicsPerMessage).map { start in
      let args = topics[start..<min(start + Self.topicsPerMessage, topics.count)].joined(separator: ",")
      return "{\"req_id\":\"\(start / Self.topicsPerMessage + 1)\",\"op\":\"subscribe\",\"args\":[\(args)]}"
    }
    let ping = SocketPlan.KeepAlive(text: "{\"op\":\"ping\"}", intervalSeconds: 20)
    return [SocketPlan(path: "/v5/public/spot", greetings: greetings, keepAlive: ping)]
  }

  private static let topicsPerMessage = 10

  private func topicPrefix(_ channel: Channel) -> String? {
    switch channel {
    case .klines: "kline.1"
    case .trades: "publicTrade"
    case .quotes: "orderbook.1"
    case .books: "orderbook.\(bookDepth)"
    case .ticks: nil
    }
  }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    guard !isBinary else { throw .unknown(kind: "binary frame") }
    for message in try BybitFrame(frame).messages() { receive(message) }
  }

  // MARK: Requests

  /// Of more minutes than `limit` Bybit would give the newest, so the range is cut.
  package func candlesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest {
    let limit = min(max(limit, 1), 1000)
    let (first, last) = range.unixSeconds(ofMinutes: limit)
    let span = "start=\(first * 1000)&end=\(last * 1000 + 59_999)"
    return get("kline?category=spot&symbol=\(symbol)&interval=1&\(span)&limit=\(limit)")
  }

  package func candles(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Candle] {
    try BybitAnswer.list(answer) { scanner throws(VenueError) in
      var candles: [Candle] = []
      try scanner.array { scanner, _ throws(VenueError) in
        let candle = try BybitCandleFields.row(&scanner)
        if let last = candles.last, last.openTime <= candle.openTime {
          throw .badValue(field: "start", value: "\(candle.openTime)", reason: "not before \(last.openTime)")
        }
        candles.append(candle)
      }
      return candles.reversed()
    }
  }

  /// Only the newest trades can be had.
  package func tradesRequest(_ symbol: Symbol, from id: Int64, limit: Int) -> VenueRequest? { nil }

  package func trades(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Trade] {
    try BybitAnswer.list(answer) { scanner throws(VenueError) in
      var trades: [Trade] = []
      try scanner.array { scanner, _ throws(VenueError) in
        if let (_, trade) = try BybitTradeFields.read(&scanner) { trades.append(trade) }
      }
      return trades.reversed()
    }
  }

  /// Without block trades and the like, so their number does not tell whether these are all.
  package func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest? {
    get("recent-trade?category=spot&symbol=\(symbol)&limit=\(min(max(limit, 1), Self.mostTrades))")
  }

  private static let mostTrades = 60

  package func quoteRequest(_ symbol: Symbol) -> VenueRequest? {
    get("orderbook?category=spot&symbol=\(symbol)&limit=1")
  }

  package func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote? {
    try BybitAnswer.quote(answer)
  }

  package func timeRequest() -> VenueRequest { get("time") }

  package func time(in answer: VenueAnswer) throws(VenueError) -> Timestamp { try BybitAnswer.time(answer) }

  private func get(_ path: String) -> VenueRequest { VenueRequest(.get, "/v5/market/" + path) }
}
