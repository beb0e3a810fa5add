/// The mean of a price over the seconds before an instant: each value weighs as long as it was the last one.
///
/// The value in force when the seconds begin is the last one observed by then, and the one observed at their end weighs
/// nothing. Where no value came for longer than `longestHoleMicroseconds`, before the first or before the end too, there
/// is no mean.
package struct TimeWeightedMean: Hashable, Sendable {
  package let seconds: Int
  package let longestHoleMicroseconds: Int64

  package init(seconds: Int, longestHoleMicroseconds: Int64 = TimeWeightedMean.usualHoleMicroseconds) {
    precondition((1...3600).contains(seconds), "a mean over 1 to 3600 seconds")
    (self.seconds, self.longestHoleMicroseconds) = (seconds, longestHoleMicroseconds)
  }

  /// A feed observes about once a second; over five seconds of silence say that something was missed.
  package static let usualHoleMicroseconds: Int64 = 5_000_000

  package func value(before end: Timestamp, of track: OracleTrack) -> OraclePrice? {
    let start = end.adding(microseconds: -lengthMicroseconds)
    var index = track.firstIndex(after: start) - 1
    guard index >= 0 else { return nil }
    var sum = Sum(lengthMicroseconds: lengthMicroseconds)
    var from = start
    while from < end {
      let point = track[index]
      let next = index + 1 < track.endIndex ? track[index + 1].time : end
      guard min(next, end).microseconds - point.time.microseconds <= longestHoleMicroseconds else { return nil }
      sum.add(point.price, microseconds: min(next, end).microseconds - from.microseconds)
      from = min(next, end)
      index += 1
    }
    return sum.mean
  }

  private var lengthMicroseconds: Int64 { Int64(seconds) * 1_000_000 }

  /// Exact whatever the prices: they are divided by the length first, and the remainders are summed apart.
  private struct Sum {
    let lengthMicroseconds: Int64
    private var whole: Int128 = 0
    private var rest: Int128 = 0

    init(lengthMicroseconds: Int64) { self.lengthMicroseconds = lengthMicroseconds }

    mutating func add(_ price: OraclePrice, microseconds: Int64) {
      let (quotient, remainder) = price.units.quotientAndRemainder(dividingBy: Int128(lengthMicroseconds))
      whole += quotient * Int128(microseconds)
      rest += remainder * Int128(microseconds)
    }

    /// To the nearest eighteenth digit, halves away from zero.
    var mean: OraclePrice {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: Int128(lengthMicroseconds))
      let up: Int128 = 2 * remainder.magnitude >= UInt128(lengthMicroseconds) ? (remainder < 0 ? -1 : 1) : 0
      return OraclePrice(units: whole + quotient + up)
    }
  }
}
