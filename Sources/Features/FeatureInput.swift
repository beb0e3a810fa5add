package import Market

/// One candle as the numbers that features compute with; NaN where the venue has no value.
package struct FeatureInput: Hashable, Sendable {
  package var openTime: Timestamp
  package var open: Double
  package var high: Double
  package var low: Double
  package var close: Double
  /// Base asset.
  package var volume: Double
  package var quoteVolume: Double
  package var trades: Double
  package var takerBuyBase: Double
  package var takerBuyQuote: Double

  package init(
    openTime: Timestamp, open: Double, high: Double, low: Double, close: Double, volume: Double = .nan,
    quoteVolume: Double = .nan, trades: Double = .nan, takerBuyBase: Double = .nan, takerBuyQuote: Double = .nan
  ) {
    self.openTime = openTime
    self.open = open
    self.high = high
    self.low = low
    self.close = close
    self.volume = volume
    self.quoteVolume = quoteVolume
    self.trades = trades
    self.takerBuyBase = takerBuyBase
    self.takerBuyQuote = takerBuyQuote
  }

  package init(_ candle: Candle) {
    self.init(
      openTime: candle.openTime, open: candle.open.doubleValue, high: candle.high.doubleValue,
      low: candle.low.doubleValue, close: candle.close.doubleValue, volume: candle.volume?.doubleValue ?? .nan,
      quoteVolume: candle.quoteVolume?.doubleValue ?? .nan, trades: candle.trades.map(Double.init) ?? .nan,
      takerBuyBase: candle.takerBuyBase?.doubleValue ?? .nan, takerBuyQuote: candle.takerBuyQuote?.doubleValue ?? .nan)
  }

  /// A candle's prices with the volume, trade count and taker volume of another series' candle of the same minute;
  /// quote amounts are not known. Nothing else of `volumes` is read.
  package init(prices: Candle, volumes: Candle?) {
    self.init(
      openTime: prices.openTime, open: prices.open.doubleValue, high: prices.high.doubleValue,
      low: prices.low.doubleValue, close: prices.close.doubleValue, volume: volumes?.volume?.doubleValue ?? .nan,
      trades: volumes?.trades.map(Double.init) ?? .nan, takerBuyBase: volumes?.takerBuyBase?.doubleValue ?? .nan)
  }
}
