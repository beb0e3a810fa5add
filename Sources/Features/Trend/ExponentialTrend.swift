/// `ema_n`: exponential moving average of closes (price), as TA-Lib's EMA.
///
/// First value at the n-th candle.
struct ExponentialTrend<let period: Int>: Indicator {
  static var columns: [FeatureColumn] { [.raw("ema_\(period)")] }

  private var average = ExponentialAverage<period>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    average.push(step.close)
    row.append(average.value)
  }
}
