extension BinanceFlavour {
  /// Binance.US: the same protocol with an older table of weights, in milliseconds only.
  package static let us = BinanceFlavour(
    weights: Weights(klines: 1, aggregateTrades: 1, historicalTrades: 5, depth: 1), hasMicroseconds: false)
}
