/// `mfi_14`: 100 · rising / (rising + falling) typical price × volume of 14 candles, 0–100, as TA-Lib's MFI.
///
/// Typical prices closer than 10⁻¹⁴ of their sum are equal and count for neither side; 0 when nothing flowed. First
/// value at the 15th candle; null while an unknown volume is among the 14.
struct MoneyFlow: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [.raw("mfi_14")]

  private var risingFlows = Ring<14>()
  private var fallingFlows = Ring<14>()
  private var rising = 0.0
  private var falling = 0.0
  /// Candles without flow in a row: after 14 the sums are exactly zero, whatever rounding has left of them.
  private var still = 0
  private var known = 0
  private var previousPrice = Double.nan

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !previousPrice.isNaN { push(step) }
    previousPrice = step.typicalPrice
    guard known == 14 else {
      row.append(.nan)
      return
    }
    let total = rising + falling
    row.append(total <= 0 ? 0 : 100 * (min(max(rising, 0), total) / total))
  }

  private mutating func push(_ step: borrowing CandleStep) {
    let (price, volume) = (step.typicalPrice, step.candle.volume)
    known = volume.isNaN ? 0 : min(known + 1, 14)
    let change = price - previousPrice
    let isStill = volume.isNaN || abs(change) <= 1e-14 * (price + previousPrice)
    let flow = isStill ? 0 : price * volume
    let (up, down) = change < 0 ? (0, flow) : (flow, 0)
    rising -= risingFlows.push(up)
    rising += up
    falling -= fallingFlows.push(down)
    falling += down
    still = flow == 0 ? min(still + 1, 14) : 0
    if still == 14 { (rising, falling) = (0, 0) }
  }
}
