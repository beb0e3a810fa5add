package import Market

/// What a price series is worth at an instant by the rule in force there, with all its digits.
package struct SettledInstant: Hashable, Sendable {
  package let time: Timestamp
  package let price: OraclePrice

  package init(_ time: Timestamp, _ price: OraclePrice) { (self.time, self.price) = (time, price) }
}
