package import Market

/// The candles of a view as they stand in the end, without regard to when they came.
package struct JoinedCandles: Sequence, Sendable {
  private let prices: [Candle]
  /// By open time; `nil` if the price series has its own.
  private let volumes: [Timestamp: Candle]?

  /// - Parameters:
  ///   - prices: ascending.
  ///   - volumes: of the series that gives the volumes, in any order; `nil` if there is none.
  package init(prices: [Candle], volumes: [Candle]?) {
    self.prices = prices
    self.volumes = volumes.map { candles in
      Dictionary(candles.map { ($0.openTime, $0) }, uniquingKeysWith: { _, later in later })
    }
  }

  package func makeIterator() -> AnyIterator<FeatureInput> {
    var rest = prices.makeIterator()
    return AnyIterator {
      guard let candle = rest.next() else { return nil }
      guard let volumes else { return FeatureInput(candle) }
      return FeatureInput(prices: candle, volumes: volumes[candle.openTime])
    }
  }
}
