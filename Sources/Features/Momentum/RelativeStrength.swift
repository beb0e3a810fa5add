/// `rsi_n`: 100 · gain / (gain + loss) of Wilder-smoothed close changes, 0–100, as TA-Lib's RSI; 0 without any change.
///
/// First value at the candle n + 1.
struct RelativeStrength<let period: Int>: Indicator {
  static var columns: [FeatureColumn] { [.model("rsi_\(period)")] }

  private var gain = SmoothedGain<period>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if step.hasPrevious { gain.push(change: step.close - step.previousClose) }
    row.append(gain.strength)
  }
}
