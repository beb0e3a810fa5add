import Market
import Storage

/// The observations of one oracle, kept as they are and made into minutes.
struct OracleFeed: Sendable {
  private let venue: Venue
  private var builders: [Symbol: OracleMinuteBuilder] = [:]

  init(_ venue: Venue) { self.venue = venue }

  /// - Returns: minutes that are finished, or have changed, by this observation.
  mutating func receive(
    _ tick: OracleTick, _ provenance: Provenance, now: Timestamp, _ output: inout LiveOutput
  ) -> [SealedCandle] {
    let arrival = max(now, tick.time)
    output.batch.ticks.append(OracleTickRecord(venue: venue, tick: tick, availableAt: arrival))
    builders[tick.feed, default: OracleMinuteBuilder(feed: tick.feed)].receive(tick)
    let updates = builders[tick.feed]?.take() ?? []
    return updates.compactMap { update in
      output.batch.oracleMinutes.append(
        OracleMinuteRecord(venue: venue, minute: update.minute, availableAt: arrival))
      return update.minute.candle.map { SealedCandle($0, provenance, isRevision: update.isRevision) }
    }
  }

  /// The minutes that an answer shows from their first observation to one after their end. Those too old for the stream's
  /// builder are kept as the answer has them; the others as everything that came makes them.
  mutating func minutes(
    of feed: Symbol, in ticks: [OracleTick], now: Timestamp, _ output: inout LiveOutput
  ) -> [OracleMinute] {
    var past = OracleMinuteBuilder(feed: feed, keptMinutes: Self.answerMinutes)
    for tick in ticks { past.receive(tick) }
    return past.take().map { update in
      if let known = builders[feed]?.minute(update.minute.openTime.minute) { return known }
      output.batch.oracleMinutes.append(
        OracleMinuteRecord(
          venue: venue, minute: update.minute, availableAt: max(now, update.minute.openTime.adding(minutes: 1))))
      return update.minute
    }
  }

  private static let answerMinutes = 1_000_000
}
