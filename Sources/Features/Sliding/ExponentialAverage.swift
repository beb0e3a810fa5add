/// average += (value − average) · 2 / (period + 1), seeded with the mean of the first `period` values as TA-Lib does.
struct ExponentialAverage<let period: Int>: BitwiseCopyable, Sendable {
  private var average = 0.0
  private var seen = 0

  mutating func push(_ value: Double) {
    guard seen < period else {
      average += (value - average) * (2 / Double(period + 1))
      return
    }
    average += value
    seen += 1
    if seen == period { average /= Double(period) }
  }

  /// NaN until `period` values are in.
  var value: Double { seen < period ? .nan : average }
}
