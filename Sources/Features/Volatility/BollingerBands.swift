/// Bollinger bands of 20 closes and two population standard deviations, as TA-Lib's BBANDS: `bb_upper_20`,
/// `bb_middle_20`, `bb_lower_20` (price), `bb_position_20` = (close − lower) / (upper − lower), null in a flat window,
/// and `bb_width_20` = (upper − lower) / middle.
///
/// First value at the 20th candle.
struct BollingerBands: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("bb_upper_20"), .raw("bb_middle_20"), .raw("bb_lower_20"), .raw("bb_position_20"),
    .raw("bb_width_20"),
  ]

  private var closes = SlidingMoments<20>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close)
    let middle = closes.mean
    let half = 2 * closes.standardDeviation
    row.append(middle + half)
    row.append(middle)
    row.append(middle - half)
    row.append((step.close - middle + half).dividedByPositive(2 * half))
    row.append(2 * half / middle)
  }
}
