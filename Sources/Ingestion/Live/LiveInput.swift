package import Venues

/// A socket that the core asked for, by its number within a run.
package struct SocketID: Hashable, Sendable {
  package let feed: Int
  package let number: Int

  package init(feed: Int, number: Int) { (self.feed, self.number) = (feed, number) }
}

/// A request that the core asked for, by its number within a run.
package struct RequestID: Hashable, Sendable {
  package let feed: Int
  package let number: Int

  package init(feed: Int, number: Int) { (self.feed, self.number) = (feed, number) }
}

/// Everything that can change what a live feed stores and predicts. A recording of these, played back, gives the same.
package enum LiveInput: Sendable {
  case opened(SocketID)
  case frame(SocketID, [UInt8], isBinary: Bool)
  /// So many messages of this socket were dropped by now, because they came faster than they were taken.
  case overflowed(SocketID, messages: Int)
  /// Closed, or never opened; the code is that of the close frame, if there was one.
  case closed(SocketID, code: UInt16? = nil, reason: String)
  case answer(RequestID, RequestResult)
  /// Time has passed.
  case tick
}

package enum RequestResult: Hashable, Sendable {
  case answered(VenueAnswer)
  /// No answer came, and why.
  case failed(reason: String)
}

/// What the shell is to do; results come back as inputs.
package enum LiveAction: Hashable, Sendable {
  case connect(SocketID, SocketPlan)
  /// In this order.
  case send(SocketID, texts: [String])
  case close(SocketID)
  /// - Parameter timeoutSeconds: by the pipeline's clock.
  case request(RequestID, VenueRequest, timeoutSeconds: Double)
}
