package import Market

/// Makes minutes of an oracle's observations, which may come in any order, late, and through several sources.
///
/// A minute is finished when a later observation is there: only that shows that nothing more is on its way. What comes
/// later still makes a revision. Stream observations are counted once an instant; on-chain ones, which are another
/// series, stand in only for minutes without any.
package struct OracleMinuteBuilder: Sendable {
  package let feed: Symbol
  private let keptMinutes: Int64
  private var minutes: [Int64: Minute] = [:]
  private var changed: Set<Int64> = []
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
  }

  private struct Minute {
    var stream = OracleTrack()
    var onChain = OracleTrack()
    var given: OracleMinute?
  }

  /// - Parameter keptMinutes: how long after its end a minute may still be revised.
  package init(feed: Symbol, keptMinutes: Int = 120) {
    (self.feed, self.keptMinutes) = (feed, Int64(keptMinutes))
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
    }
    return updates
  }

  private mutating func update(of number: Int64) -> Update? {
    guard let minute = minutes[number] else { return nil }
    let watermark = minute.stream.isEmpty ? newest : newestStream
    guard watermark.minute > number else { return nil }
    changed.remove(number)
    let track = minute.stream.isEmpty ? minute.onChain : minute.stream
    guard let made = OracleMinute(feed: feed, minute: number, track), made != minute.given else { return nil }
    minutes[number]?.given = made
    return Update(minute: made, isRevision: minute.given != nil)
  }
}

extension OracleMinute {
  /// `nil` without observations.
  fileprivate init?(feed: Symbol, minute: Int64, _ track: OracleTrack) {
    guard let first = track.first, let last = track.last,
      let high = track.lazy.map(\.price).max(), let low = track.lazy.map(\.price).min()
    else { return nil }
    self.init(
      feed: feed, openTime: Timestamp(minute: minute), open: first.price, high: high, low: low, close: last.price,
      ticks: track.count, isSampled: !first.source.isStream || track.count < OracleMinuteBuilder.fewestTicks)
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
