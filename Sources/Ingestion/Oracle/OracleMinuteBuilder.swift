package import Market

/// Makes minutes of an oracle's observations, which may come in any order, late, and through several sources.
///
/// A minute is finished when a later observation is there: only that shows that nothing more is on its way. What comes
/// later still makes a revision. Stream observations are counted once an instant; on-chain ones, which are another
/// series, stand in only for minutes without any. A minute that was not seen from its first to its last instant is
/// marked as sampled, and is another one as soon as the rest has been seen.
package struct OracleMinuteBuilder: Sendable {
  package let feed: Symbol
  private let keptMinutes: Int64
  private var minutes: [Int64: Minute] = [:]
  private var changed: Set<Int64> = []
  /// Microseconds of which the stream has been seen without a hole.
  private var seen = KeyRanges()
  /// Finished minutes that are not seen whole.
  private var partial: Set<Int64> = []
  private let firstMinute: Int64
  private var newestStream = Timestamp.distantPast
  private var newest = Timestamp.distantPast
  /// Observations of minutes that are no longer kept.
  package private(set) var tooLate = 0

  /// Fewer stream observations than this do not stand for a minute.
  package static let fewestTicks = 30

  package struct Update: Hashable, Sendable {
    package var minute: OracleMinute
    /// The minute was given before, with other values.
    package var isRevision: Bool
    /// Made of a stream of which something may be missing.
    package var isPartial = false
  }

  private struct Minute {
    var stream = OracleTrack()
    var onChain = OracleTrack()
    var given: OracleMinute?
  }

  /// - Parameters:
  ///   - firstMinute: a minute before is given only if it was seen whole.
  ///   - keptMinutes: how long after its end a minute may still be revised.
  package init(feed: Symbol, firstMinute: Int64 = .min, keptMinutes: Int = 120) {
    (self.feed, self.firstMinute, self.keptMinutes) = (feed, firstMinute, Int64(keptMinutes))
  }

  /// All that the stream observed in this time has come, or is about to.
  package mutating func saw(_ range: Range<Timestamp>) {
    seen.insert(range.lowerBound.microseconds..<range.upperBound.microseconds)
    for number in partial where isWhole(number) { changed.insert(number) }
  }

  private func isWhole(_ number: Int64) -> Bool {
    let start = Timestamp(minute: number)
    return seen.covers(start.microseconds..<start.adding(minutes: 1).microseconds)
  }

  /// Means and other feeds are passed over. After each frame or answer comes `take`.
  package mutating func receive(_ tick: OracleTick) {
    guard tick.feed == feed, tick.quantity == .price, tick.source != .derived else { return }
    let number = tick.time.minute
    guard newest == .distantPast || number > newest.minute - keptMinutes else { return tooLate += 1 }
    newest = max(newest, tick.time)
    let isChanged: Bool
    if tick.source.isStream {
      newestStream = max(newestStream, tick.time)
      isChanged = minutes[number, default: Minute()].stream.insert(tick)
    } else {
      isChanged = minutes[number, default: Minute()].onChain.insert(tick)
    }
    if isChanged { changed.insert(number) }
  }

  /// A minute as it was last given.
  package func minute(_ number: Int64) -> OracleMinute? { minutes[number]?.given }

  /// The minutes that are finished or have changed since, by time.
  package mutating func take() -> [Update] {
    let updates = changed.sorted().compactMap { update(of: $0) }
    let oldest = newest.minute - keptMinutes
    if minutes.count > 2 * Int(keptMinutes) {
      minutes = minutes.filter { $0.key > oldest }
      changed = changed.filter { $0 > oldest }
      partial = partial.filter { $0 > oldest }
      seen.remove(.min..<Timestamp(minute: oldest).microseconds)
    }
    return updates
  }

  private mutating func update(of number: Int64) -> Update? {
    guard let minute = minutes[number] else { return nil }
    let watermark = minute.stream.isEmpty ? newest : newestStream
    guard watermark.minute > number else { return nil }
    changed.remove(number)
    let isPartial = !minute.stream.isEmpty && !isWhole(number)
    if isPartial { partial.insert(number) } else { partial.remove(number) }
    guard !isPartial || number >= firstMinute else { return nil }
    let track = minute.stream.isEmpty ? minute.onChain : minute.stream
    guard let made = OracleMinute(feed: feed, minute: number, track, isPartial: isPartial), made != minute.given else {
      return nil
    }
    minutes[number]?.given = made
    return Update(minute: made, isRevision: minute.given != nil, isPartial: isPartial)
  }
}

extension OracleMinute {
  /// `nil` without observations.
  fileprivate init?(feed: Symbol, minute: Int64, _ track: OracleTrack, isPartial: Bool) {
    guard let first = track.first, let last = track.last,
      let high = track.lazy.map(\.price).max(), let low = track.lazy.map(\.price).min()
    else { return nil }
    self.init(
      feed: feed, openTime: Timestamp(minute: minute), open: first.price, high: high, low: low, close: last.price,
      ticks: track.count,
      isSampled: isPartial || !first.source.isStream || track.count < OracleMinuteBuilder.fewestTicks)
  }

  /// The minute as a row of the oracle's candles: prices rounded to eight places, no volume.
  ///
  /// `nil` if a price is beyond what candles hold, or rounds to nothing.
  package var candle: Candle? {
    guard let open = open.rounded, let high = high.rounded, let low = low.rounded, let close = close.rounded else {
      return nil
    }
    let candle = Candle(openTime: openTime, open: open, high: high, low: low, close: close)
    return candle.violation == nil ? candle : nil
  }
}
