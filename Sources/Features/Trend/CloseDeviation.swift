/// `close_z_n`: (close − mean) / population standard deviation of the last n closes; null in a flat window.
///
/// First value at the n-th candle.
struct CloseDeviation<let length: Int>: Indicator {
  static var columns: [FeatureColumn] { [.raw("close_z_\(length)")] }

  private var closes = SlidingMoments<length>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close)
    row.append((step.close - closes.mean).dividedByPositive(closes.standardDeviation))
  }
}
