/// Where the close lies in the range of the last 14 candles, as TA-Lib's STOCHF (14, 3) and WILLR (14):
/// `stoch_k_14` = 100 · (close − lowest) / (highest − lowest), `stoch_d_3` = mean of the last three, both 0–100 from
/// the 16th candle; `willr_14` = −100 · (highest − close) / (highest − lowest), −100–0 from the 14th. 0 in a flat range.
struct StochasticOscillator: Indicator {
  static let columns: [FeatureColumn] = [.raw("stoch_k_14"), .raw("stoch_d_3"), .raw("willr_14")]

  private var highest = SlidingMaximum<14>()
  private var lowestNegated = SlidingMaximum<14>()
  private var positions = Ring<3>()
  /// Of the last three, added and subtracted as TA-Lib does.
  private var sum = 0.0
  private var seen = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let high = highest.push(step.candle.high)
    let low = -lowestNegated.push(-step.candle.low)
    let range = high - low
    guard !range.isNaN else {
      for _ in 0..<3 { row.append(.nan) }
      return
    }
    let position = range == 0 ? 0 : 100 * ((step.close - low) / range)
    sum -= positions.push(position)
    sum += position
    seen = min(seen + 1, 3)
    row.append(seen < 3 ? .nan : position)
    row.append(seen < 3 ? .nan : sum / 3)
    row.append(range == 0 ? 0 : -100 * ((high - step.close) / range))
  }
}
