import Glibc
package import Market

/// What is known at a candle's close of the clock-aligned window of `lengthMinutes` that the candle lies in.
package struct WindowTracker: Hashable, Sendable {
  package let lengthMinutes: Int
  private var start: Int64?
  /// Minutes of the window that were folded.
  package private(set) var minutesSeen = 0
  private var newestMinute: Int64?
  private var open = Double.nan
  private var close = Double.nan

  package init(lengthMinutes: Int) {
    precondition(lengthMinutes > 1, "a window of \(lengthMinutes) minutes has no minute to decide at")
    self.lengthMinutes = lengthMinutes
  }

  /// Folds the next candle, which must be later than the one before.
  package mutating func update(_ candle: FeatureInput) {
    let minute = candle.openTime.minute
    if let newestMinute { precondition(minute > newestMinute, "candle at \(candle.openTime) is not later") }
    let windowStart = minute.flooredQuotient(Int64(lengthMinutes)) * Int64(lengthMinutes)
    if windowStart != start {
      start = windowStart
      minutesSeen = 0
      open = minute == windowStart ? candle.open : .nan
    }
    minutesSeen += 1
    newestMinute = minute
    close = candle.close
  }

  package var windowStart: Timestamp? { start.map(Timestamp.init(minute:)) }

  /// Minutes of the window that have passed at the newest candle's close, 1 … `lengthMinutes`.
  package var minutesElapsed: Int? {
    guard let start, let newestMinute else { return nil }
    return Int(newestMinute - start) + 1
  }

  /// Every minute of the window so far was folded.
  package var isComplete: Bool { minutesElapsed == minutesSeen }

  /// Open of the window's first minute; `nil` if that minute is absent.
  package var strike: Double? { open.isNaN ? nil : open }

  /// 1 … `lengthMinutes` − 1; `nil` when the window is over or a minute of it is absent: no decision is made then.
  package var minutesLeft: Int? {
    guard let minutesElapsed, isComplete, minutesElapsed < lengthMinutes else { return nil }
    return lengthMinutes - minutesElapsed
  }

  /// 10⁴ · ln(close / strike); `nil` where `minutesLeft` is.
  package var moveBasisPoints: Double? {
    guard minutesLeft != nil, let strike else { return nil }
    return 1e4 * log(close / strike)
  }
}
