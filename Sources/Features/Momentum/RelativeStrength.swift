/// `rsi_14`: 100 · gain / (gain + loss) of Wilder-smoothed close changes, 0–100, as TA-Lib's RSI; 0 without any change.
///
/// First value at the 15th candle.
struct RelativeStrength: Indicator {
  static let columns: [FeatureColumn] = [.sequence("rsi_14")]

  private var gain = WilderAverage<14>()
  private var loss = WilderAverage<14>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if step.hasPrevious {
      let change = step.close - step.previousClose
      gain.push(max(change, 0))
      loss.push(max(-change, 0))
    }
    let total = gain.value + loss.value
    row.append(total == 0 ? 0 : 100 * (gain.value / total))
  }
}
