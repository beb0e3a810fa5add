/// What an oracle's observations of one minute were. There is no volume: an oracle trades nothing.
package struct OracleMinute: Hashable, Sendable {
  package var feed: Symbol
  package var openTime: Timestamp
  package var open: OraclePrice
  package var high: OraclePrice
  package var low: OraclePrice
  package var close: OraclePrice
  package var ticks: Int
  /// Too few observations to stand for the minute, or not all of its stream; never used for labels.
  package var isSampled: Bool

  package init(
    feed: Symbol, openTime: Timestamp, open: OraclePrice, high: OraclePrice, low: OraclePrice, close: OraclePrice,
    ticks: Int, isSampled: Bool
  ) {
    (self.feed, self.openTime, self.open, self.high, self.low) = (feed, openTime, open, high, low)
    (self.close, self.ticks, self.isSampled) = (close, ticks, isSampled)
  }
}
