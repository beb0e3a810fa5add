import Market
import Storage

/// The observations of one oracle, kept as they are and made into minutes.
struct OracleFeed: Sendable {
  private struct Feed: Sendable {
    var sieve: OracleSieve
    var builder: OracleMinuteBuilder
    /// The newest price of each socket.
    var newest: [Int: Timestamp] = [:]
    /// Oracles observe once a second and leave one out now and then; what is wider may be a loss.
    private static let longestHoleMicroseconds: Int64 = 2_000_000

    init(_ feed: Symbol, startedAt: Timestamp) {
      sieve = OracleSieve(feed: feed)
      builder = OracleMinuteBuilder(feed: feed, firstMinute: startedAt.minute)
    }

    mutating func heard(_ time: Timestamp, on socket: Int) {
      let last = newest[socket] ?? time
      newest[socket] = max(last, time)
      guard time > last, time.microseconds - last.microseconds <= Self.longestHoleMicroseconds else { return }
      builder.saw(last..<time)
    }
  }

  private let venue: Venue
  private let startedAt: Timestamp
  private var feeds: [Symbol: Feed] = [:]

  init(_ venue: Venue, startedAt: Timestamp) { (self.venue, self.startedAt) = (venue, startedAt) }

  /// Takes an observation, once.
  ///
  /// - Parameter socket: that it came over, one after the other; `nil` for an answer.
  /// - Returns: why it was not used, unless it was or is known already.
  mutating func receive(
    _ tick: OracleTick, from socket: Int?, now: Timestamp, _ output: inout LiveOutput
  ) -> String? {
    let verdict = feeds[tick.feed, default: Feed(tick.feed, startedAt: startedAt)].sieve.judge(tick, at: now)
    if let socket, tick.isStreamedPrice, verdict != .fromFuture { feeds[tick.feed]?.heard(tick.time, on: socket) }
    switch verdict {
    case .new:
      output.batch.ticks.append(OracleTickRecord(venue: venue, tick: tick, availableAt: max(now, tick.time)))
      feeds[tick.feed]?.builder.receive(tick)
      return nil
    case .duplicate, .tooOld, .otherFeed: return nil
    case .contradiction: return "\(tick.source.rawValue) says two things of \(tick.time); the first stands"
    case .fromFuture: return "\(tick.source.rawValue) observed at \(tick.time), which is ahead of \(now)"
    }
  }

  /// A socket has left something out, or is closed.
  mutating func interrupted(_ socket: Int) {
    for feed in feeds.keys { feeds[feed]?.newest.removeValue(forKey: socket) }
  }

  /// An answer has all observations from a time on, up to its last one.
  mutating func saw(_ feed: Symbol, from time: Timestamp, in ticks: [OracleTick]) {
    guard let last = ticks.last?.time, last > time, ticks.allSatisfy(\.isStreamedPrice) else { return }
    feeds[feed]?.builder.saw(time..<last)
  }

  /// Minutes that are finished or have changed; to be asked after each frame or answer.
  mutating func take(
    _ feed: Symbol, _ provenance: Provenance, now: Timestamp, _ output: inout LiveOutput
  ) -> [(candle: SealedCandle, isPartial: Bool)] {
    let updates = feeds[feed]?.builder.take() ?? []
    return updates.compactMap { update in
      let arrival = max(now, update.minute.openTime.adding(minutes: 1))
      output.batch.oracleMinutes.append(OracleMinuteRecord(venue: venue, minute: update.minute, availableAt: arrival))
      return update.minute.candle.map {
        (SealedCandle($0, provenance, isRevision: update.isRevision), update.isPartial)
      }
    }
  }

  /// The minutes that an answer shows from their first observation to one after their end. Those too old for the stream's
  /// builder are kept as the answer has them; the others as everything that came makes them.
  mutating func minutes(
    of feed: Symbol, from time: Timestamp, in ticks: [OracleTick], now: Timestamp, _ output: inout LiveOutput
  ) -> [OracleMinute] {
    var past = OracleMinuteBuilder(feed: feed, keptMinutes: Self.answerMinutes)
    for tick in ticks { past.receive(tick) }
    if let last = ticks.last?.time, last > time { past.saw(time..<last) }
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

extension OracleTick {
  fileprivate var isStreamedPrice: Bool { source.isStream && quantity == .price }
}
