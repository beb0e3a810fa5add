/// `mfi_14`: 100 · rising / (rising + falling) typical price × volume of 14 candles, 0–100, as TA-Lib's MFI.
///
/// Typical prices closer than 10⁻¹⁴ of their sum are equal and count for neither side; 0 when nothing flowed. First
/// value at the 15th candle.
struct MoneyFlow: Indicator {
  static let columns: [FeatureColumn] = [.model("mfi_14")]

  private var rising = SlidingSum<14>()
  private var falling = SlidingSum<14>()
  private var still = 0
  private var previousPrice = Double.nan

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !previousPrice.isNaN { push(step) }
    previousPrice = step.typicalPrice
    let (up, down) = (rising.nonNegative, falling.nonNegative)
    if up.isNaN || down.isNaN {
      row.append(.nan)
    } else {
      row.append(still >= 14 || up + down == 0 ? 0 : 100 * (up / (up + down)))
    }
  }

  private mutating func push(_ step: borrowing CandleStep) {
    let change = step.typicalPrice - previousPrice
    let isStill = abs(change) <= 1e-14 * (step.typicalPrice + previousPrice)
    let flow = isStill ? 0 : step.typicalPrice * step.candle.volume
    still = flow == 0 ? min(still + 1, 14) : 0
    rising.push(change < 0 ? 0 : flow)
    falling.push(change < 0 ? flow : 0)
  }
}
