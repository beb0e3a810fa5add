package import Market

/// An oracle's stream observations by their own time, as far as settlement reads them: prices, and published means.
package struct TickPath: Sendable {
  private var prices = OracleTrack()
  private var means: [Int: OracleTrack] = [:]
  private let longestHoleMicroseconds: Int64

  package init(longestHoleMicroseconds: Int64 = TimeWeightedMean.usualHoleMicroseconds) {
    self.longestHoleMicroseconds = longestHoleMicroseconds
  }

  /// One feed's ticks in any order.
  package init(
    _ ticks: some Sequence<OracleTick>, longestHoleMicroseconds: Int64 = TimeWeightedMean.usualHoleMicroseconds
  ) {
    self.init(longestHoleMicroseconds: longestHoleMicroseconds)
    for tick in ticks.sorted(by: { $0.time < $1.time }) { insert(tick) }
  }

  /// Fastest in order of time. What is no stream observation is passed over.
  package mutating func insert(_ tick: OracleTick) {
    guard tick.source.isStream else { return }
    switch tick.quantity {
    case .price: prices.insert(tick)
    case .timeWeightedMean(let seconds): means[seconds, default: OracleTrack()].insert(tick)
    }
  }

  /// What a rule makes of the observations at an instant; nothing observed later counts.
  ///
  /// A point is the last price by then. A mean is the one published for the very instant, otherwise one made here.
  /// `nil` where observations lack for longer than the longest hole.
  package func value(at time: Timestamp, rule: SettlementRule) -> OraclePrice? {
    switch rule {
    case .point: price(at: time)
    case .timeWeightedMean(let seconds): published(at: time, seconds: seconds) ?? derived(at: time, seconds: seconds)
    }
  }

  /// A mean made of the prices here, whether or not one was published.
  package func derived(at time: Timestamp, seconds: Int) -> OraclePrice? {
    TimeWeightedMean(seconds: seconds, longestHoleMicroseconds: longestHoleMicroseconds)
      .value(before: time, of: prices)
  }

  private func published(at time: Timestamp, seconds: Int) -> OraclePrice? {
    guard let track = means[seconds] else { return nil }
    let index = track.firstIndex(after: time) - 1
    return index >= 0 && track[index].time == time ? track[index].price : nil
  }

  private func price(at time: Timestamp) -> OraclePrice? {
    let index = prices.firstIndex(after: time) - 1
    guard index >= 0, time.microseconds - prices[index].time.microseconds <= longestHoleMicroseconds else { return nil }
    return prices[index].price
  }
}
