package import Market

/// How one venue's stream is opened and read. Nothing here waits, connects or knows the time.
package protocol FeedProtocol: Sendable {
  var venue: Venue { get }

  /// What minutes are made of on this venue.
  var candleSource: CandleSource { get }

  /// The venue's own name of what is `BTCUSDT` elsewhere.
  func name(of symbol: Symbol) -> Symbol

  /// Sockets that bring these channels of these instruments, named as the venue names them.
  ///
  /// - Parameter now: for signatures.
  func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan]

  /// Calls `receive` for each thing that a frame says, in order; for most frames once.
  func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError)

  /// What a socket's end asks for.
  ///
  /// - Parameter code: of the close frame; `nil` if there was none.
  func reconnection(afterClose code: UInt16?) -> Reconnection

  /// The number of a frame on its socket, where every frame has one: a jump tells of lost ones.
  func sequence(of frame: UnsafeBufferPointer<UInt8>) -> Int64?
}

extension FeedProtocol {
  package func reconnection(afterClose code: UInt16?) -> Reconnection { .backOff }

  package func sequence(of frame: UnsafeBufferPointer<UInt8>) -> Int64? { nil }
}

package enum Reconnection: Hashable, Sendable {
  /// Wait as after any broken connection.
  case backOff
  /// Come back at a random moment of these seconds: the venue moves many clients at once.
  case within(seconds: Int)
  /// Pointless before something is corrected: after so many seconds at the earliest, or, if `nil`, not before a restart.
  case useless(reason: String, retrySeconds: Int?)
}

/// A feed that also answers requests for minutes and trades.
package protocol VenueProtocol: FeedProtocol {
  /// The most minutes or trades that one answer has.
  var rowsPerAnswer: Int { get }

  /// Minutes by open time, as many as one request may give from the range's start.
  func candlesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest

  /// Oldest first. The minute that is not over yet may be the last one.
  func candles(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Candle]

  /// Trades from an id on; `nil` where the venue cannot give them.
  func tradesRequest(_ symbol: Symbol, from id: Int64, limit: Int) -> VenueRequest?

  /// Oldest first.
  func trades(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Trade]

  /// The newest trades; `nil` where the venue cannot give them. `trades` reads the answer.
  func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest?

  /// Of fewer trades than this the answer to `newestTradesRequest` has all there are; `nil` where their number tells
  /// nothing.
  var newestTradesLimit: Int? { get }

  /// The best bid and ask; `nil` where the venue cannot give them.
  func quoteRequest(_ symbol: Symbol) -> VenueRequest?

  /// `nil` for a market without orders on a side.
  func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote?

  /// Requests a second that the venue allows, where it counts by the second.
  var requestsPerSecond: Int? { get }

  /// Ids of one instrument's trades rise by one, so that a jump shows what was missed.
  var numbersTrades: Bool { get }

  /// How this venue's book updates are numbered.
  var bookNumbering: OrderBook.Numbering { get }

  /// The book as it stands; `nil` where the stream begins with it.
  func bookSnapshotRequest(_ symbol: Symbol) -> VenueRequest?

  func bookSnapshot(in answer: VenueAnswer) throws(VenueError) -> BookUpdate

  func timeRequest() -> VenueRequest

  func time(in answer: VenueAnswer) throws(VenueError) -> Timestamp

  /// What the venue says about its limits, in answers to anything.
  func usage(in answer: VenueAnswer) -> LimitUsage

  /// The request that tells the limits; `nil` where there is none.
  func limitsRequest() -> VenueRequest?

  /// Weight per minute.
  func limits(in answer: VenueAnswer) throws(VenueError) -> Int
}

extension VenueProtocol {
  package var rowsPerAnswer: Int { 1000 }

  package func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest? { nil }

  package var newestTradesLimit: Int? { nil }

  package func quoteRequest(_ symbol: Symbol) -> VenueRequest? { nil }

  package func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote? {
    throw .unknown(kind: "a quote")
  }

  package var requestsPerSecond: Int? { nil }

  package var numbersTrades: Bool { true }

  package var bookNumbering: OrderBook.Numbering { .none }

  package func bookSnapshotRequest(_ symbol: Symbol) -> VenueRequest? { nil }

  package func bookSnapshot(in answer: VenueAnswer) throws(VenueError) -> BookUpdate {
    throw .unknown(kind: "a book of a venue whose stream begins with it")
  }

  package func usage(in answer: VenueAnswer) -> LimitUsage { LimitUsage(retryAfterSeconds: answer.retryAfterSeconds) }

  package func limitsRequest() -> VenueRequest? { nil }

  package func limits(in answer: VenueAnswer) throws(VenueError) -> Int { throw .unknown(kind: "limits") }
}

package enum CandleSource: Hashable, Sendable {
  /// The venue streams minutes and says when one is closed.
  case klines
  /// Minutes are made here of trades whose ids rise by one.
  case trades
  /// Minutes are made here of an oracle's observations.
  case ticks
}

package enum Channel: String, Hashable, Sendable, Codable, CaseIterable {
  case klines, trades, quotes, books, ticks
}

/// What an answer says about a venue's limits; `nil` is "nothing said".
package struct LimitUsage: Hashable, Sendable {
  package var usedWeightPerMinute: Int?
  package var retryAfterSeconds: Int?

  package init(usedWeightPerMinute: Int? = nil, retryAfterSeconds: Int? = nil) {
    (self.usedWeightPerMinute, self.retryAfterSeconds) = (usedWeightPerMinute, retryAfterSeconds)
  }
}
