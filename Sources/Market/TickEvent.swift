/// What happens between candles, in the order in which a live reader had it.
package enum TickEvent: Hashable, Sendable {
  /// From here on every trade of the series comes.
  case tradesBegin(Series, at: Timestamp)
  /// Trades and quotes may be missed from here on.
  case interrupted(Series)
  case trade(Series, Trade)
  case quote(Series, Quote)
  /// What was asked for while the stream was silent.
  case snapshot(Series, MarketSnapshot)
}

/// The market of an instrument as requests tell it; what the venue did not give is not there.
package struct MarketSnapshot: Hashable, Sendable {
  /// Ascending, without the minute that is not over.
  package var candles: [Candle]
  /// The newest ones, oldest first.
  package var trades: [Trade]
  /// From when on `trades` has them all; `nil` if that is not known.
  package var tradesFrom: Timestamp?
  package var quote: Quote?

  package init(candles: [Candle] = [], trades: [Trade] = [], tradesFrom: Timestamp? = nil, quote: Quote? = nil) {
    (self.candles, self.trades, self.tradesFrom, self.quote) = (candles, trades, tradesFrom, quote)
  }
}

/// When something is predicted between candles, and on what.
package struct TickCadence: Hashable, Sendable, Codable {
  /// From one prediction to the next.
  package var intervalMilliseconds: Int64
  /// Inputs that are older are stale.
  package var maxInputAgeMilliseconds: Int64

  package init(intervalMilliseconds: Int64 = 1500, maxInputAgeMilliseconds: Int64 = 5000) {
    (self.intervalMilliseconds, self.maxInputAgeMilliseconds) = (intervalMilliseconds, maxInputAgeMilliseconds)
  }
}
