package import Market

/// Lets each observation of one feed through once, whatever relays repeat it after a reconnect.
///
/// What it remembers is bounded: an observation older than all it remembers of a full source is too old to be judged.
package struct OracleSieve: Sendable {
  package let feed: Symbol
  private var seen: [Origin: Track] = [:]
  private let remembered: Int
  private let aheadMicroseconds: Int64

  package enum Verdict: Hashable, Sendable {
    case new
    /// The same source said the same of this instant before.
    case duplicate
    /// The same source said something else of this instant; the first stands.
    case contradiction
    /// Observed after it arrived, by more than clocks differ.
    case fromFuture
    case tooOld
    case otherFeed
  }

  private struct Origin: Hashable {
    let source: OracleSource
    let quantity: OracleTick.Quantity
  }

  private struct Track {
    private var prices: [Timestamp: OraclePrice] = [:]
    private var oldest = Timestamp.distantPast

    mutating func judge(_ tick: OracleTick, remembered: Int) -> Verdict {
      if let price = prices[tick.time] { return price == tick.price ? .duplicate : .contradiction }
      guard tick.time >= oldest else { return .tooOld }
      prices[tick.time] = tick.price
      if prices.count > 2 * remembered { forget(keeping: remembered) }
      return .new
    }

    private mutating func forget(keeping count: Int) {
      oldest = prices.keys.sorted().suffix(count).first ?? oldest
      prices = prices.filter { [oldest] in $0.key >= oldest }
    }
  }

  /// - Parameters:
  ///   - remembered: observations of each source, at least.
  ///   - aheadMicroseconds: how far the oracle's clock may be ahead of ours.
  package init(feed: Symbol, remembered: Int = 10_000, aheadMicroseconds: Int64 = 60_000_000) {
    (self.feed, self.remembered, self.aheadMicroseconds) = (feed, remembered, aheadMicroseconds)
  }

  package mutating func judge(_ tick: OracleTick, at arrival: Timestamp) -> Verdict {
    guard tick.feed == feed else { return .otherFeed }
    guard tick.time <= arrival.adding(microseconds: aheadMicroseconds) else { return .fromFuture }
    let origin = Origin(source: tick.source, quantity: tick.quantity)
    return seen[origin, default: Track()].judge(tick, remembered: remembered)
  }
}
