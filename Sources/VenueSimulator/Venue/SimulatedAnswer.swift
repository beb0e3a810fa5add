package import Market
package import Venues

/// What a simulated venue answers to a request, and how the line carries it.
package struct SimulatedAnswer: Hashable, Sendable {
  package var status: Int
  package var headers: [VenueHeader]
  package var body: [UInt8]
  /// By the simulator's clock.
  package var delayMicroseconds: Int64
  /// The connection is cut after so many bytes of the body.
  package var cutAfterBytes: Int?

  package init(
    status: Int = 200, headers: [VenueHeader] = [], body: [UInt8] = [], delayMicroseconds: Int64 = 0,
    cutAfterBytes: Int? = nil
  ) {
    (self.status, self.headers, self.body) = (status, headers, body)
    (self.delayMicroseconds, self.cutAfterBytes) = (delayMicroseconds, cutAfterBytes)
  }

  init(_ status: Int = 200, _ json: JSONText, headers: [VenueHeader] = []) {
    self.init(
      status: status, headers: [VenueHeader("Content-Type", "application/json")] + headers, body: json.bytes)
  }

  /// What our own decoders read.
  package var plain: VenueAnswer { VenueAnswer(status: status, headers: headers, body: body) }
}

/// What a simulated venue does to a socket.
package enum SimulatedOutput: Hashable, Sendable {
  case frame(socket: Int, time: Timestamp, bytes: [UInt8], isBinary: Bool)
  /// Without a code the line just goes dead: no closing frame.
  case close(socket: Int, time: Timestamp, code: UInt16?)

  package var time: Timestamp {
    switch self {
    case .frame(_, let time, _, _), .close(_, let time, _): time
    }
  }
}

/// Whether a venue lets a socket in.
package enum SimulatedAcceptance: Hashable, Sendable {
  case accepted
  case refused(status: Int, body: [UInt8])
}
