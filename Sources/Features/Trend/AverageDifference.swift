/// EMA 12 − EMA 26 of the close, and EMA 9 of that.
///
/// The fast average is seeded with the mean of values 15–26, so that both averages begin together.
struct AverageDifference: BitwiseCopyable, Sendable {
  private var fast = ExponentialAverage<12>()
  private var slow = ExponentialAverage<26>()
  private var smoothed = ExponentialAverage<9>()
  private var seen = 0

  mutating func push(_ close: Double) {
    slow.push(close)
    if seen >= 14 { fast.push(close) } else { seen += 1 }
    if !value.isNaN { smoothed.push(value) }
  }

  /// NaN until the 26th value.
  var value: Double { fast.value - slow.value }

  /// NaN until the 34th value.
  var signal: Double { smoothed.value }
}
