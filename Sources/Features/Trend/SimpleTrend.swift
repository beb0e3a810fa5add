/// `sma_n`: mean of the last n closes (price, as TA-Lib's SMA), and `sma_n_atr`: close − SMA in ATRs.
///
/// First value at the n-th candle; the distance also waits for the ATR.
struct SimpleTrend<let period: Int>: Indicator {
  static var columns: [FeatureColumn] {
    [.raw("sma_\(period)"), period == 50 ? .sequence("sma_50_atr") : .model("sma_\(period)_atr")]
  }

  private var closes = SlidingSum<period>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close)
    let mean = closes.mean
    row.append(mean)
    row.append(step.distance(from: mean))
  }
}
