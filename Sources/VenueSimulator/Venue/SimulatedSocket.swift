import Market
import Venues

/// One connection of a client, and what the venue owes it.
struct SimulatedSocket: Sendable {
  let id: Int
  let openedAt: Timestamp
  let path: String
  let headers: [VenueHeader]
  var feeds: [Feed] = []
  /// Frames to send as soon as the venue comes to it.
  var outbox: [Frame] = []
  /// The venue closes the socket after the outbox.
  var closing: UInt16?
  /// Wrap payloads with the name of their stream.
  var isCombined = false
  var isInMicroseconds = false
  var isAuthorised = false
  /// Messages that bear a running number.
  var sequence: Int64 = 0
  /// Client messages of the current second.
  var received: (second: Int64, count: Int) = (0, 0)
  /// A frame that lets its successor pass.
  var held: Frame?
  /// Anything was asked for.
  var hasSpoken = false

  init(id: Int, openedAt: Timestamp, path: String, headers: [VenueHeader]) {
    (self.id, self.openedAt, self.path, self.headers) = (id, openedAt, path, headers)
  }

  func header(_ name: String) -> String? { VenueAnswer(status: 0, headers: headers, body: []).header(name) }

  mutating func nextSequence() -> Int64 {
    defer { sequence += 1 }
    return sequence
  }
}

/// A message to a client, with what faults need to know of it.
struct Frame: Hashable, Sendable {
  enum Kind: Hashable, Sendable { case trade, closedBar, data, control }

  var bytes: [UInt8]
  var isBinary = false
  var kind = Kind.data

  init(_ text: JSONText, _ kind: Kind = .data) { (bytes, self.kind) = (text.bytes, kind) }

  init(binary bytes: [UInt8], _ kind: Kind = .data) { (self.bytes, isBinary, self.kind) = (bytes, true, kind) }
}
