/// One observation of an oracle's price.
package struct OracleTick: Hashable, Sendable {
  /// The oracle's own name of the feed, `BTC/USD`.
  package var feed: Symbol
  package var source: OracleSource
  package var quantity: Quantity
  /// When the oracle observed it, by its own clock.
  package var time: Timestamp
  package var price: OraclePrice
  package var bid: OraclePrice?
  package var ask: OraclePrice?

  package init(
    feed: Symbol, source: OracleSource, quantity: Quantity = .price, time: Timestamp, price: OraclePrice,
    bid: OraclePrice? = nil, ask: OraclePrice? = nil
  ) {
    (self.feed, self.source, self.quantity) = (feed, source, quantity)
    (self.time, self.price, self.bid, self.ask) = (time, price, bid, ask)
  }

  /// What was observed: a price at an instant, or its mean over the seconds before it. One is never taken for the other.
  package enum Quantity: Hashable, Sendable {
    case price
    case timeWeightedMean(seconds: Int)
  }
}

/// Through whom an oracle's observation came.
package enum OracleSource: String, Hashable, Sendable, CaseIterable {
  case dataStreams = "data-streams"
  /// Polymarket's older relay.
  case relay = "rtds"
  /// Polymarket's newer relay.
  case polybolt
  /// An aggregator contract, read through a node; too sparse for labels.
  case onChain = "on-chain"
  /// Made here of other observations.
  case derived

  /// Observations come about once a second, so that minutes and means can be made of them.
  package var isStream: Bool { self != .onChain && self != .derived }

  /// Of two sources of one observation the one with the lower rank is believed: the nearer to the oracle.
  package var rank: Int {
    switch self {
    case .dataStreams: 0
    case .polybolt: 1
    case .relay: 2
    case .onChain: 3
    case .derived: 4
    }
  }
}
