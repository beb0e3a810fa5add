package import Market

/// What one frame of a venue's socket says, without its wrapping.
package enum VenueMessage: Hashable, Sendable {
  case kline(Symbol, Kline)
  case trade(Symbol, Trade)
  case quote(Symbol, Quote)
  case book(Symbol, BookUpdate)
  case oracle(OracleTick)
  /// The feed lives; where the venue says so, with its clock and the id of the last trade.
  case heartbeat(Symbol?, time: Timestamp?, lastTradeId: Int64?)
  /// Messages of this socket were lost on the way.
  case dropped(count: Int64)
  /// The venue is about to close this socket.
  case shutdown
  /// An answer to a subscription or the like.
  case control(VenueControl)
}

package enum VenueControl: Hashable, Sendable {
  case accepted
  case refused(reason: String)
}

/// A minute of a venue's own candle stream, finished or not.
package struct Kline: Hashable, Sendable {
  package var candle: Candle
  /// The venue says that nothing more will happen in this minute.
  package var isClosed: Bool
  /// When the venue sent it, by its clock.
  package var time: Timestamp

  package init(candle: Candle, isClosed: Bool, time: Timestamp) {
    (self.candle, self.isClosed, self.time) = (candle, isClosed, time)
  }
}
