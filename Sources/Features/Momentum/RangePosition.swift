/// The close in the range of the last n candles, all in logarithms: `range_position_n` = (close − lowest) / (highest −
/// lowest), 0–1, null in a flat range; `low_distance_n` = close − lowest and `high_distance_n` = highest − close, ≥ 0, in
/// units of the typical one-minute move of 240 minutes.
///
/// First value at the n-th candle; the distances also wait for their unit.
struct RangePosition<let length: Int>: Indicator {
  static var columns: [FeatureColumn] {
    let role: FeatureColumn.Role = length == 720 ? .sequence : .model
    return ["range_position", "low_distance", "high_distance"].map {
      FeatureColumn(name: "\($0)_\(length)", role: role)
    }
  }

  private var highest = SlidingMaximum<length>()
  private var lowestNegated = SlidingMaximum<length>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let high = highest.push(step.logHigh)
    let low = -lowestNegated.push(-step.logLow)
    row.append((step.logClose - low).dividedByPositive(high - low))
    row.append((step.logClose - low) * step.perMove240)
    row.append((high - step.logClose) * step.perMove240)
  }
}
