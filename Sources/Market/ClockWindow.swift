/// A window of whole minutes aligned to the UTC clock.
package struct ClockWindow: Hashable, Sendable {
  package let start: Timestamp
  package let lengthMinutes: Int

  /// The window in which a decision at `time` is made, after at least one and before all of its minutes.
  ///
  /// `nil` at the window's two ends and between minutes.
  package init?(decisionTime time: Timestamp, lengthMinutes: Int) {
    let elapsed = time.minute - time.minute.flooredQuotient(Int64(lengthMinutes)) * Int64(lengthMinutes)
    guard time.isMinuteAligned, elapsed > 0 else { return nil }
    start = Timestamp(minute: time.minute - elapsed)
    self.lengthMinutes = lengthMinutes
  }

  /// The window that an instant lies in; its end belongs to the next one.
  package init(containing time: Timestamp, lengthMinutes: Int) {
    start = Timestamp(minute: time.minute.flooredQuotient(Int64(lengthMinutes)) * Int64(lengthMinutes))
    self.lengthMinutes = lengthMinutes
  }

  package var end: Timestamp { start.adding(minutes: lengthMinutes) }

  /// Open times of the window's candles.
  package var minutes: Range<Int64> { start.minute..<end.minute }

  /// Minutes from `time` to the end.
  package func minutesLeft(at time: Timestamp) -> Int { end.minutes(since: time) }
}
