package import Market

/// Means over the seconds before an instant, made here of an oracle's prices as they come.
package struct TWAPWindow: Sendable {
  package let feed: Symbol
  private let mean: TimeWeightedMean
  private var track = OracleTrack()
  private var newest = Timestamp.distantPast

  /// How late a price may come and still count.
  private static let latenessMicroseconds: Int64 = 120_000_000

  package init(
    feed: Symbol, seconds: Int, longestHoleMicroseconds: Int64 = TimeWeightedMean.usualHoleMicroseconds
  ) {
    self.feed = feed
    mean = TimeWeightedMean(seconds: seconds, longestHoleMicroseconds: longestHoleMicroseconds)
  }

  /// Means, other feeds and what is no stream are passed over.
  package mutating func receive(_ tick: OracleTick) {
    guard tick.feed == feed, tick.quantity == .price, tick.source.isStream else { return }
    track.insert(tick)
    newest = max(newest, tick.time)
    let needed = Int64(mean.seconds) * 1_000_000 + mean.longestHoleMicroseconds + Self.latenessMicroseconds
    guard let first = track.first, newest.microseconds - first.time.microseconds > 2 * needed else { return }
    track.removeAll(before: newest.adding(microseconds: -needed))
  }

  /// The mean before `end`, marked as derived; `nil` before a later or equal price is there, and where prices lack.
  package func tick(at end: Timestamp) -> OracleTick? {
    guard newest >= end, let price = mean.value(before: end, of: track) else { return nil }
    return OracleTick(
      feed: feed, source: .derived, quantity: .timeWeightedMean(seconds: mean.seconds), time: end, price: price)
  }
}
