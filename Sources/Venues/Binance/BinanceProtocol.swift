package import Market

/// Public market data of Binance spot and of what speaks its protocol.
package struct BinanceProtocol: VenueProtocol {
  package let venue: Venue
  package let flavour: BinanceFlavour
  package let tradeStream: TradeStream
  /// Times are asked for in microseconds; otherwise they come in milliseconds.
  package let usesMicroseconds: Bool

  /// Their ids are counted apart, so one store of trades keeps to one of them.
  package enum TradeStream: String, Hashable, Sendable {
    /// One message for what one taker order traded at one price and time.
    case aggregated = "aggTrade"
    case single = "trade"
  }

  package init(
    venue: Venue = .binance, flavour: BinanceFlavour = .global, tradeStream: TradeStream = .aggregated,
    usesMicroseconds: Bool = false
  ) {
    (self.venue, self.flavour, self.tradeStream) = (venue, flavour, tradeStream)
    self.usesMicroseconds = usesMicroseconds && flavour.hasMicroseconds
  }

  package var candleSource: CandleSource { .klines }

  package var bookNumbering: OrderBook.Numbering { .ranges }

  package func bookSnapshotRequest(_ symbol: Symbol) -> VenueRequest? { bookRequest(symbol, limit: 1000) }

  package func bookSnapshot(in answer: VenueAnswer) throws(VenueError) -> BookUpdate { try book(in: answer) }

  package func name(of symbol: Symbol) -> Symbol { symbol }

  // MARK: Stream

  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    let names = symbols.flatMap { symbol in streamNames(channels).map { symbol.name.lowercased() + "@" + $0 } }
    return BinanceStreams(names: names).sockets(query: usesMicroseconds ? "&timeUnit=MICROSECOND" : "")
  }

  private func streamNames(_ channels: Set<Channel>) -> [String] {
    Channel.allCases.filter(channels.contains).compactMap { channel in
      switch channel {
      case .klines: "kline_1m"
      case .trades: tradeStream.rawValue
      case .quotes: "bookTicker"
      case .books: "depth@100ms"
      case .ticks: nil
      }
    }
  }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    guard !isBinary else { throw .unknown(kind: "binary frame") }
    receive(try BinanceFrame.message(in: frame))
  }
}

/// Streams spread over sockets within Binance's rules: 1024 streams a connection, and five messages a second from the
/// client, pongs among them.
struct BinanceStreams {
  var names: [String]

  private static let perMessage = 200
  /// The path and four messages, which leaves one a second for a pong.
  private static let perSocket = 5 * perMessage
  private static let lifetimeSeconds = 86_400

  func sockets(query: String = "", headers: [VenueHeader] = []) -> [SocketPlan] {
    names.chunks(of: Self.perSocket).map { names in
      let batches = names.chunks(of: Self.perMessage)
      return SocketPlan(
        path: "/stream?streams=" + batches[0].joined(separator: "/") + query, headers: headers,
        greetings: batches.dropFirst().enumerated().map { Self.subscription(to: $1, id: $0 + 1) },
        lifetimeSeconds: Self.lifetimeSeconds)
    }
  }

  private static func subscription(to names: ArraySlice<String>, id: Int) -> String {
    let list = names.map { "\"\($0)\"" }.joined(separator: ",")
    return "{\"method\":\"SUBSCRIBE\",\"params\":[\(list)],\"id\":\(id)}"
  }
}

extension RandomAccessCollection where Index == Int {
  fileprivate func chunks(of size: Int) -> [SubSequence] {
    stride(from: startIndex, to: endIndex, by: size).map { self[$0..<Swift.min($0 + size, endIndex)] }
  }
}
