/// `range_position_n`: (close − lowest) / (highest − lowest) of the last n candles, 0–1; null in a flat range.
///
/// First value at the n-th candle.
struct RangePosition<let length: Int>: Indicator {
  static var columns: [FeatureColumn] {
    [length == 60 ? .sequence("range_position_60") : .model("range_position_\(length)")]
  }

  private var highest = SlidingMaximum<length>()
  private var lowestNegated = SlidingMaximum<length>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let high = highest.push(step.candle.high)
    let low = -lowestNegated.push(-step.candle.low)
    row.append((step.close - low).dividedByPositive(high - low))
  }
}
