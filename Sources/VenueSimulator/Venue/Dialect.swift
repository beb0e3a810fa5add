import Market
import Venues

/// How one venue speaks.
protocol Dialect: Sendable {
  /// After this a socket is cut.
  var lifetimeSeconds: Int64 { get }

  mutating func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer

  /// Subscribes what the path asks for. A refusal is an answer with an error's status.
  mutating func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer?

  /// A text of a client: replies go into the outbox.
  mutating func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp)

  mutating func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame]

  /// How the venue says that it is about to close.
  func shutdownNotice(_ socket: SimulatedSocket, at now: Timestamp) -> Frame?

  /// An answer of the venue's kind to a request that a fault refuses.
  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer
}

extension Dialect {
  var lifetimeSeconds: Int64 { 86_400 }

  func shutdownNotice(_ socket: SimulatedSocket, at now: Timestamp) -> Frame? { nil }
}

extension [UInt8] {
  /// Lets a scanner read the bytes; `nil` if they are not what `read` expects.
  func scanned<Value>(_ read: (inout JSONScanner) throws(VenueError) -> Value) -> Value? {
    withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      return try? read(&scanner)
    }
  }
}
