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
}
