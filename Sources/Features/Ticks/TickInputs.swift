internal import Glibc
package import Market

/// The twelve inputs of the tick cadence under the names that their readers know; `nil` is not known.
package struct TickInputs: Hashable, Sendable {
  package static let names = [
    "current_price", "price_change_1m", "price_change_5m", "vwap", "volume", "volume_avg_1m", "trade_intensity",
    "bid_ask_spread", "order_book_imbalance", "rsi_5m", "macd_signal", "bollinger_position",
  ]

  /// Of names, order and meaning; raised with the meaning of one of them.
  package static let hash = {
    var hash = Fingerprint()
    hash.combine("ticks")
    hash.combine(UInt64(1))
    for name in names { hash.combine(name) }
    return hash
  }()

  package var time: Timestamp
  /// In the order of `names`.
  package var values: [Double?]
  /// Mean close of the last 60 minutes: what prices are compared with.
  package var reference: Double?

  package init(time: Timestamp, values: [Double?], reference: Double?) {
    precondition(values.count == Self.names.count, "\(values.count) values, not \(Self.names.count)")
    (self.time, self.values, self.reference) = (time, values, reference)
  }

  package var price: Double? { values[0] }

  package var missing: [String] { zip(Self.names, values).filter { $0.1 == nil }.map(\.0) }

  /// What a network takes: prices as log ratios to the reference, since no scaler holds for a price that drifts; the
  /// rest as it is. `nil` unless everything is known.
  package var networkInputs: [Double]? {
    guard let reference, reference > 0 else { return nil }
    var inputs: [Double] = []
    for (place, value) in values.enumerated() {
      guard let value else { return nil }
      inputs.append(Self.prices.contains(place) ? log(value / reference) : value)
    }
    return inputs
  }

  private static let prices: Set<Int> = [0, 3]
}
