package import Market

/// Binance's streams in binary; requests are those of `BinanceProtocol`.
///
/// There is no binary stream of minutes: they are made of single trades.
package struct BinanceSBEProtocol: VenueProtocol {
  private let text: BinanceProtocol
  private let apiKey: String

  /// - Parameter apiKey: of type Ed25519; it signs nothing and needs no rights.
  package init(venue: Venue = .binance, apiKey: String) {
    text = BinanceProtocol(venue: venue, tradeStream: .single, usesMicroseconds: true)
    self.apiKey = apiKey
  }

  package var venue: Venue { text.venue }
  package var candleSource: CandleSource { .trades }

  package var bookNumbering: OrderBook.Numbering { text.bookNumbering }

  package func bookSnapshotRequest(_ symbol: Symbol) -> VenueRequest? { text.bookSnapshotRequest(symbol) }

  package func bookSnapshot(in answer: VenueAnswer) throws(VenueError) -> BookUpdate {
    try text.bookSnapshot(in: answer)
  }

  package func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest? {
    text.newestTradesRequest(symbol, limit: limit)
  }

  package var newestTradesLimit: Int? { text.newestTradesLimit }

  package func quoteRequest(_ symbol: Symbol) -> VenueRequest? { text.quoteRequest(symbol) }

  package func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote? {
    try text.quote(symbol, in: answer)
  }

  package func name(of symbol: Symbol) -> Symbol { text.name(of: symbol) }

  // MARK: Stream

  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    let streams = Channel.allCases.filter(channels.contains).compactMap(Self.stream)
    let names = symbols.flatMap { symbol in streams.map { symbol.name.lowercased() + "@" + $0 } }
    return BinanceStreams(names: names).sockets(headers: [VenueHeader("X-MBX-APIKEY", apiKey)])
  }

  private static func stream(of channel: Channel) -> String? {
    switch channel {
    case .trades: "trade"
    case .quotes: "bestBidAsk"
    case .books: "depth"
    case .klines, .ticks: nil
    }
  }

  /// Data are binary; what answers a subscription and what announces a shutdown is text.
  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    guard isBinary else { return try text.decode(frame, isBinary: false, receive) }
    try SBE.decode(frame, receive)
  }

  // MARK: Requests

  package func candlesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest {
    text.candlesRequest(symbol, range, limit: limit)
  }

  package func candles(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Candle] {
    try text.candles(symbol, in: answer)
  }

  package func tradesRequest(_ symbol: Symbol, from id: Int64, limit: Int) -> VenueRequest? {
    text.tradesRequest(symbol, from: id, limit: limit)
  }

  package func trades(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Trade] {
    try text.trades(symbol, in: answer)
  }

  package func timeRequest() -> VenueRequest { text.timeRequest() }

  package func time(in answer: VenueAnswer) throws(VenueError) -> Timestamp { try text.time(in: answer) }

  package func usage(in answer: VenueAnswer) -> LimitUsage { text.usage(in: answer) }

  package func limitsRequest() -> VenueRequest? { text.limitsRequest() }

  package func limits(in answer: VenueAnswer) throws(VenueError) -> Int { try text.limits(in: answer) }
}
