/// What differs between the exchanges that speak Binance's protocol.
package struct BinanceFlavour: Hashable, Sendable {
  package var weights: Weights
  /// Times can be asked for in microseconds.
  package var hasMicroseconds: Bool

  /// Costs of requests whose cost is not the same everywhere.
  package struct Weights: Hashable, Sendable {
    package var klines: Int
    package var aggregateTrades: Int
    package var historicalTrades: Int
    /// Of a book of up to 100 levels a side.
    package var depth: Int

    /// Larger books cost five, ten and fifty times as much.
    package func depth(limit: Int) -> Int {
      switch limit {
      case ...100: depth
      case ...500: depth * 5
      case ...1000: depth * 10
      default: depth * 50
      }
    }
  }

  package static let global = BinanceFlavour(
    weights: Weights(klines: 2, aggregateTrades: 4, historicalTrades: 25, depth: 5), hasMicroseconds: true)
}
