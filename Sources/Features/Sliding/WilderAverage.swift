/// Wilder's smoothing: the mean of the first `period` values, then (previous · (period − 1) + value) / period.
///
/// Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).
struct WilderAverage<let period: Int>: BitwiseCopyable, Sendable {
  private var total = 0.0
  private var seen = 0

  mutating func push(_ value: Double) {
    guard seen < period else {
      total = (total * Double(period - 1) + value) / Double(period)
      return
    }
    total += value
    seen += 1
    if seen == period { total /= Double(period) }
  }

  /// NaN until `period` values are in.
  var value: Double { seen < period ? .nan : total }
}
