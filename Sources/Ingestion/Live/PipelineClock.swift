package import Market
internal import Platform

/// The clock of everything that is decided: the wall's, or a simulator's that runs faster.
///
/// A simulator tells its time and speed; in between, its time is reckoned from the steady clock.
package struct PipelineClock: Hashable, Sendable {
  private let origin: Timestamp
  private let originNanoseconds: Int64
  package let speed: Double

  /// The machine's own time.
  package static let wall = PipelineClock(origin: now(), at: SystemClock.wallNanoseconds(), speed: 1)

  /// - Parameter wallNanoseconds: of the real-time clock, when the simulator's clock stood at `origin`.
  package init(origin: Timestamp, at wallNanoseconds: Int64, speed: Double) {
    (self.origin, originNanoseconds, self.speed) = (origin, wallNanoseconds, speed)
  }

  package func now() -> Timestamp { time(at: SystemClock.wallNanoseconds()) }

  /// - Parameter wallNanoseconds: of the real-time clock.
  package func time(at wallNanoseconds: Int64) -> Timestamp {
    guard speed != 1 else {
      return origin.adding(microseconds: (wallNanoseconds - originNanoseconds).flooredQuotient(1000))
    }
    let elapsed = Double(wallNanoseconds - originNanoseconds) / 1000 * speed
    return origin.adding(microseconds: Int64(elapsed.rounded()))
  }

  /// When this clock shows a time, by the real-time clock.
  package func wallNanoseconds(of time: Timestamp) -> Int64 {
    let elapsed = Double(time.microseconds - origin.microseconds) * 1000 / speed
    return originNanoseconds + Int64(elapsed.rounded())
  }

  /// How long a stretch of this clock takes on the wall.
  package func wallSeconds(_ seconds: Double) -> Double { seconds / speed }

  private static func now() -> Timestamp { Timestamp(microseconds: SystemClock.wallNanoseconds() / 1000) }
}
