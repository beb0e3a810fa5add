/// How a venue turns prices into the two ends of a window. Rules changed over time, so they have epochs.
package enum SettlementRule: Hashable, Sendable {
  /// The price at the instant.
  case point
  /// The time-weighted mean of the seconds before the instant.
  case timeWeightedMean(seconds: Int)

  package var name: String {
    switch self {
    case .point: "point"
    case .timeWeightedMean(let seconds): "twap-\(seconds)"
    }
  }

  /// A period in which one rule was in force for the 5- and 15-minute markets; half-open.
  package struct Epoch: Sendable {
    package let start: Timestamp
    package let rule: SettlementRule
  }

  /// Start dates as far as public sources agree; a market's own metadata decides where it is at hand.
  package static let chainlinkEpochs: [Epoch] = [
    Epoch(start: .distantPast, rule: .point),
    Epoch(start: Timestamp(milliseconds: 1_786_060_800_000), rule: .timeWeightedMean(seconds: 30)),
    Epoch(start: Timestamp(milliseconds: 1_786_665_600_000), rule: .timeWeightedMean(seconds: 60)),
  ]

  /// An exchange's own candles settle at their closes. A simulated oracle settles as the real one.
  package static func inForce(at time: Timestamp, source: Venue) -> SettlementRule {
    guard source.original == .chainlink else { return .point }
    return chainlinkEpochs.last { $0.start <= time }?.rule ?? .point
  }
}
