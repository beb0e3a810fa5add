package import Market

extension TickPath {
  /// Values to which the rule in force at each instant was applied already: `value` gives them again at these instants, and
  /// nothing at others.
  package init(settled instants: some Sequence<(time: Timestamp, price: OraclePrice)>, source: Series) {
    self.init(
      instants.map { time, price in
        let quantity: OracleTick.Quantity =
          switch SettlementRule.inForce(at: time, source: source.venue) {
          case .point: .price
          case .timeWeightedMean(let seconds): .timeWeightedMean(seconds: seconds)
          }
        return OracleTick(
          feed: source.symbol, source: .dataStreams, quantity: quantity, time: time, price: price)
      }, longestHoleMicroseconds: 0)
  }
}
