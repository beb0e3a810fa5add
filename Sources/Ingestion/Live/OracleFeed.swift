import Market
import Storage

/// The observations of one oracle, kept as they are and made into minutes.
struct OracleFeed: Sendable {
  private struct Feed: Sendable {
    var sieve: OracleSieve
    var builder: OracleMinuteBuilder

    init(_ feed: Symbol) { (sieve, builder) = (OracleSieve(feed: feed), OracleMinuteBuilder(feed: feed)) }
  }

  private let venue: Venue
  private var feeds: [Symbol: Feed] = [:]

  init(_ venue: Venue) { self.venue = venue }

  /// Takes an observation, once.
  ///
  /// - Returns: why it was not used, unless it was or is known already.
  mutating func receive(_ tick: OracleTick, now: Timestamp, _ output: inout LiveOutput) -> String? {
    switch feeds[tick.feed, default: Feed(tick.feed)].sieve.judge(tick, at: now) {
    case .new:
      output.batch.ticks.append(OracleTickRecord(venue: venue, tick: tick, availableAt: max(now, tick.time)))
      feeds[tick.feed]?.builder.receive(tick)
      return nil
    case .duplicate, .tooOld, .otherFeed: return nil
    case .contradiction: return "\(tick.source.rawValue) says two things of \(tick.time); the first stands"
    case .fromFuture: return "\(tick.source.rawValue) observed at \(tick.time), which is ahead of \(now)"
    }
  }

  /// Minutes that are finished or have changed; to be asked after each frame or answer.
  mutating func take(
    _ feed: Symbol, _ provenance: Provenance, now: Timestamp, _ output: inout LiveOutput
  ) -> [SealedCandle] {
    let updates = feeds[feed]?.builder.take() ?? []
    return updates.compactMap { update in
      let arrival = max(now, update.minute.openTime.adding(minutes: 1))
      output.batch.oracleMinutes.append(OracleMinuteRecord(venue: venue, minute: update.minute, availableAt: arrival))
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
      if let known = feeds[feed]?.builder.minute(update.minute.openTime.minute) { return known }
      output.batch.oracleMinutes.append(
        OracleMinuteRecord(
          venue: venue, minute: update.minute, availableAt: max(now, update.minute.openTime.adding(minutes: 1))))
      return update.minute
    }
  }

  private static let answerMinutes = 1_000_000
}
