package import Market

/// Why an outcome cannot be told from candles.
package enum SettlementError: Error, Equatable, CustomStringConvertible {
  /// The rule in force averages seconds, which candles do not have.
  case needsTicks(rule: SettlementRule, target: SettledTarget, time: Timestamp)

  package var description: String {
    switch self {
    case .needsTicks(let rule, let target, let time):
      "\(target) at \(time) settles by the rule \(rule.name), which needs prices by the second, and only candles are "
        + "at hand: choose a range before the rule came into force, or a price source that settles at its closes"
    }
  }
}
