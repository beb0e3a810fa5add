package import Market
internal import Platform

/// The simulator's clock: it starts somewhere and runs so many times as fast as the wall's.
package struct VirtualClock: Sendable {
  package let start: Timestamp
  package let speed: Double
  private let startNanoseconds: Int64

  package init(start: Timestamp, speed: Double) {
    (self.start, self.speed) = (start, speed)
    startNanoseconds = SystemClock.monotonicNanoseconds()
  }

  package var now: Timestamp {
    start.adding(microseconds: Int64(Double(SystemClock.monotonicNanoseconds() - startNanoseconds) / 1000 * speed))
  }

  /// Of the wall's clock, until an instant of this one; not below zero.
  func wallNanoseconds(until time: Timestamp) -> Int64 {
    max(0, Int64(clamping: Int128(Double(time.microseconds - now.microseconds) / speed) * 1000))
  }
}
