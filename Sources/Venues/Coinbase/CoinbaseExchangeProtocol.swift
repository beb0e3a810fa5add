package import Market

/// Public market data of Coinbase by the older interface, Exchange. Minutes are made of matches.
package struct CoinbaseExchangeProtocol: VenueProtocol {
  package let venue: Venue

  package init(venue: Venue = .coinbase) { self.venue = venue }

  package var candleSource: CandleSource { .trades }

  package var rowsPerAnswer: Int { Self.mostCandles }

  /// By address; no answer tells it.
  package var requestsPerSecond: Int? { 10 }

  package func name(of symbol: Symbol) -> Symbol { CoinbaseProduct.name(of: symbol) }

  // MARK: Stream

  /// One socket; its subscription goes out within the five seconds that Coinbase waits. The heartbeat comes once a second
  /// with the id of the last trade.
  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    let names = Channel.allCases.filter(channels.contains).compactMap(Self.channelName)
    guard !symbols.isEmpty, !names.isEmpty else { return [] }
    let list = (names + ["heartbeat"]).map { "\"\($0)\"" }.joined(separator: ",")
    let greeting = "{\"type\":\"subscribe\",\"product_ids\":\(CoinbaseProduct.list(symbols)),\"channels\":[\(list)]}"
    return [SocketPlan(path: "/", headers: Self.headers, greetings: [greeting])]
  }

  private static func channelName(_ channel: Channel) -> String? {
    switch channel {
    case .trades: "matches"
    case .quotes: "ticker"
    case .books: "level2_batch"
    case .klines, .ticks: nil
    }
  }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    guard !isBinary else { throw .unknown(kind: "binary frame") }
    receive(try CoinbaseExchangeFrame.message(in: frame))
  }

  // MARK: Requests

  /// More are refused.
  private static let mostCandles = 300
  /// Requests without one are refused.
  private static let headers = [VenueHeader("User-Agent", "candlecast")]

  package func candlesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest {
    let (first, last) = range.unixSeconds(ofMinutes: min(limit, Self.mostCandles))
    return get("/products/\(symbol)/candles?granularity=60&start=\(first)&end=\(last)")
  }

  package func candles(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Candle] {
    try answer.coinbase { scanner throws(VenueError) in
      try CoinbaseCandleFields.list(&scanner) { scanner throws(VenueError) in
        var fields = CoinbaseCandleFields()
        try scanner.array { scanner, index throws(VenueError) in
          switch index {
          case 0: fields.openTime = try scanner.unixSeconds("time")
          case 1: fields.low = try scanner.computedAmount("low")
          case 2: fields.high = try scanner.computedAmount("high")
          case 3: fields.open = try scanner.computedAmount("open")
          case 4: fields.close = try scanner.computedAmount("close")
          case 5: fields.volume = try scanner.computedAmount("volume")
          default: try scanner.skip()
          }
        }
        return fields
      }
    }
  }

  /// Coinbase gives the trades before an id, newest first.
  package func tradesRequest(_ symbol: Symbol, from id: Int64, limit: Int) -> VenueRequest? {
    let limit = min(max(limit, 1), 1000)
    let end = max(id, 0).addingReportingOverflow(Int64(limit))
    return get("/products/\(symbol)/trades?limit=\(limit)&after=\(end.overflow ? .max : end.partialValue)")
  }

  package func trades(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Trade] {
    try answer.coinbase { scanner throws(VenueError) in try CoinbaseTradeFields.list(&scanner) }
  }

  package func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest? {
    get("/products/\(symbol)/trades?limit=\(min(max(limit, 1), 1000))")
  }

  /// The ticker has no quantities.
  package func quoteRequest(_ symbol: Symbol) -> VenueRequest? { get("/products/\(symbol)/book?level=1") }

  package func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote? {
    try answer.coinbase { scanner throws(VenueError) in
      var (bids, asks): ([BookUpdate.Level]?, [BookUpdate.Level]?)
      var time: Timestamp?
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "bids": bids = try scanner.levels()
        case "asks": asks = try scanner.levels()
        case "time": time = try scanner.isoTime("time")
        default: try scanner.skip()
        }
      }
      guard let bids, let asks else { throw scanner.malformed("no bids and asks") }
      return Quote(bids: bids, asks: asks, time: time)
    }
  }

  package func timeRequest() -> VenueRequest { get("/time") }

  package func time(in answer: VenueAnswer) throws(VenueError) -> Timestamp {
    try answer.coinbase { scanner throws(VenueError) in
      var time: Timestamp?
      try scanner.object { scanner, key throws(VenueError) in
        if case "iso" = key { time = try scanner.isoTime("iso") } else { try scanner.skip() }
      }
      guard let time else { throw scanner.malformed("no iso") }
      return time
    }
  }

  private func get(_ path: String) -> VenueRequest { VenueRequest(.get, path, headers: Self.headers) }
}
