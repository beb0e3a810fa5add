package import Market

/// What a window that is not over reads of the newest candle.
package struct ClosedMinute: Hashable, Sendable {
  package var closeTime: Timestamp
  /// Standard deviation of one-minute log returns; NaN where it is not known.
  package var volatility: Double

  package init(closeTime: Timestamp, volatility: Double) {
    (self.closeTime, self.volatility) = (closeTime, volatility)
  }
}
