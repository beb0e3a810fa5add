package import Market

/// Public market data of Coinbase by the newer interface, Advanced Trade. Minutes are made of trades, because its own
/// candle stream has five-minute candles only.
package struct CoinbaseAdvancedProtocol: VenueProtocol {
  package let venue: Venue

  package init(venue: Venue = .coinbase) { self.venue = venue }

  package var candleSource: CandleSource { .trades }

  package var rowsPerAnswer: Int { Self.mostCandles }

  /// By address; no answer tells it.
  package var requestsPerSecond: Int? { 10 }

  package func name(of symbol: Symbol) -> Symbol { CoinbaseProduct.name(of: symbol) }

  // MARK: Stream

  /// One socket with a message for each channel; heartbeats keep quiet channels open.
  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    let names = Channel.allCases.filter(channels.contains).compactMap(Self.channelName)
    guard !symbols.isEmpty, !names.isEmpty else { return [] }
    let list = CoinbaseProduct.list(symbols)
    let greetings = names.map { "{\"type\":\"subscribe\",\"product_ids\":\(list),\"channel\":\"\($0)\"}" }
    return [SocketPlan(path: "/", greetings: ["{\"type\":\"subscribe\",\"channel\":\"heartbeats\"}"] + greetings)]
  }

  private static func channelName(_ channel: Channel) -> String? {
    switch channel {
    case .trades: "market_trades"
    case .quotes: "ticker"
    case .books: "level2"
    case .klines, .ticks: nil
    }
  }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    guard !isBinary else { throw .unknown(kind: "binary frame") }
    for message in try CoinbaseAdvancedFrame(frame).messages() { receive(message) }
  }

  /// The number of a frame on its socket, from 0 on without holes over all channels: a jump tells of lost ones.
  package func sequence(of frame: UnsafeBufferPointer<UInt8>) -> Int64? {
    try? CoinbaseAdvancedFrame(frame).sequence
  }

  // MARK: Requests

  private static let mostCandles = 350
  private static let root = "/api/v3/brokerage"

  package func candlesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest {
    let limit = min(max(limit, 1), Self.mostCandles)
    let (first, last) = range.unixSeconds(ofMinutes: limit)
    let span = "start=\(first)&end=\(last + 59)"
    return get("/market/products/\(symbol)/candles?\(span)&granularity=ONE_MINUTE&limit=\(limit)")
  }

  package func candles(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Candle] {
    try list("candles", in: answer) { scanner throws(VenueError) in
      try CoinbaseCandleFields.list(&scanner) { scanner throws(VenueError) in
        var fields = CoinbaseCandleFields()
        try scanner.object { scanner, key throws(VenueError) in
          switch key {
          case "start": fields.openTime = try scanner.unixSeconds("start")
          case "open": fields.open = try scanner.price("open")
          case "high": fields.high = try scanner.price("high")
          case "low": fields.low = try scanner.price("low")
          case "close": fields.close = try scanner.price("close")
          case "volume": fields.volume = try scanner.amount("volume")
          default: try scanner.skip()
          }
        }
        return fields
      }
    }
  }

  /// Trades can be asked for by time only.
  package func tradesRequest(_ symbol: Symbol, from id: Int64, limit: Int) -> VenueRequest? { nil }

  /// The last trades, as the answer to a request for a ticker has them.
  package func trades(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Trade] {
    try list("trades", in: answer) { scanner throws(VenueError) in try CoinbaseTradeFields.list(&scanner) }
  }

  package func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest? {
    get("/market/products/\(symbol)/ticker?limit=\(min(max(limit, 1), 1000))")
  }

  /// The ticker has no quantities.
  package func quoteRequest(_ symbol: Symbol) -> VenueRequest? {
    get("/market/product_book?product_id=\(symbol)&limit=1")
  }

  package func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote? {
    try answer.coinbase { scanner throws(VenueError) in
      var quote: Quote?
      var hasBook = false
      try scanner.object { scanner, key throws(VenueError) in
        guard case "pricebook" = key else { return try scanner.skip() }
        quote = try Self.quote(&scanner)
        hasBook = true
      }
      guard hasBook else { throw scanner.malformed("no pricebook") }
      return quote
    }
  }

  private static func quote(_ scanner: inout JSONScanner) throws(VenueError) -> Quote? {
    var (bids, asks): ([BookUpdate.Level], [BookUpdate.Level]) = ([], [])
    var time: Timestamp?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "bids": bids = try levels(&scanner)
      case "asks": asks = try levels(&scanner)
      case "time": time = try scanner.isoTime("time")
      default: try scanner.skip()
      }
    }
    return Quote(bids: bids, asks: asks, time: time)
  }

  private static func levels(_ scanner: inout JSONScanner) throws(VenueError) -> [BookUpdate.Level] {
    var levels: [BookUpdate.Level] = []
    try scanner.array { scanner, _ throws(VenueError) in
      var (price, quantity): (Decimal8?, Decimal8?)
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "price": price = try scanner.price("price")
        case "size": quantity = try scanner.amount("size")
        default: try scanner.skip()
        }
      }
      guard let price, let quantity else { throw scanner.malformed("a level without price or size") }
      levels.append(BookUpdate.Level(price: price, quantity: quantity))
    }
    return levels
  }

  package func timeRequest() -> VenueRequest { get("/time") }

  package func time(in answer: VenueAnswer) throws(VenueError) -> Timestamp {
    try answer.coinbase { scanner throws(VenueError) in
      var milliseconds: Int64?
      try scanner.object { scanner, key throws(VenueError) in
        if case "epochMillis" = key { milliseconds = try scanner.quotedInteger() } else { try scanner.skip() }
      }
      guard let milliseconds, let time = Timestamp(plausible: milliseconds, unitsPerSecond: 1000) else {
        throw scanner.malformed("no epochMillis of this century")
      }
      return time
    }
  }

  /// Public answers are cached for a second unless asked otherwise.
  private func get(_ path: String) -> VenueRequest {
    VenueRequest(.get, Self.root + path, headers: [VenueHeader("Cache-Control", "no-cache")])
  }

  private func list<Value>(
    _ name: StaticString, in answer: VenueAnswer, _ read: (inout JSONScanner) throws(VenueError) -> [Value]
  ) throws(VenueError) -> [Value] {
    try answer.coinbase { scanner throws(VenueError) in
      var values: [Value]?
      try scanner.object { scanner, key throws(VenueError) in
        if key.bytes.equals(name) { values = try read(&scanner) } else { try scanner.skip() }
      }
      guard let values else { throw scanner.malformed("no \(name)") }
      return values
    }
  }
}
