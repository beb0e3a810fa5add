/// `rsi_n`: 100 · gain / (gain + loss) of Wilder-smoothed close changes, 0–100, as TA-Lib's RSI; 0 without any change.
///
/// First value at the candle n + 1.
struct RelativeStrength<let period: Int>: Indicator {
  static var columns: [FeatureColumn] { [.model("rsi_\(period)")] }

  private var gain = WilderAverage<period>()
  private var loss = WilderAverage<period>()

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
