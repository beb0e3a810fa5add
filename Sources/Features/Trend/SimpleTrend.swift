/// `sma_n`: mean of the last n closes (price), as TA-Lib's SMA.
///
/// First value at the n-th candle.
struct SimpleTrend<let period: Int>: Indicator {
  static var columns: [FeatureColumn] { [.raw("sma_\(period)")] }

  private var closes = SlidingSum<period>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close)
    row.append(closes.mean)
  }
}
