package import Market

/// A feed of an oracle's observations. It has no minutes of its own: they are made of the ticks.
package protocol OracleProtocol: FeedProtocol {
  /// Asks for the newest observation; `nil` where everything comes by the stream.
  func pollRequest(_ symbol: Symbol, now: Timestamp) -> VenueRequest?

  /// Asks for observations from a time on, to fill a hole; `nil` where the venue keeps none.
  func ticksRequest(_ symbol: Symbol, from time: Timestamp, limit: Int, now: Timestamp) -> VenueRequest?

  /// Of an answer to either request, oldest first.
  func ticks(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [OracleTick]
}

extension OracleProtocol {
  package var candleSource: CandleSource { .ticks }

  /// `BTC/USD` of `BTCUSDT`.
  package func name(of symbol: Symbol) -> Symbol {
    guard symbol.name.hasSuffix("USDT") else { return symbol }
    return Symbol(symbol.name.dropLast(4) + "/USD") ?? symbol
  }

  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] { [] }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    throw .unknown(kind: "a frame of a venue without sockets")
  }

  package func pollRequest(_ symbol: Symbol, now: Timestamp) -> VenueRequest? { nil }

  package func ticksRequest(
    _ symbol: Symbol, from time: Timestamp, limit: Int, now: Timestamp
  ) -> VenueRequest? { nil }

  package func ticks(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [OracleTick] {
    throw .unknown(kind: "an answer of a venue without requests")
  }
}
