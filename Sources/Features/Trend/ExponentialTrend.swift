/// `ema_n`: exponential moving average of closes (price, as TA-Lib's EMA), and `ema_n_atr`: close − EMA in ATRs.
///
/// First value at the n-th candle; the distance also waits for the ATR.
struct ExponentialTrend<let period: Int>: Indicator {
  static var columns: [FeatureColumn] {
    [.raw("ema_\(period)"), period == 12 ? .sequence("ema_12_atr") : .model("ema_\(period)_atr")]
  }

  private var average = ExponentialAverage<period>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    average.push(step.close)
    row.append(average.value)
    row.append(step.distance(from: average.value))
  }
}
