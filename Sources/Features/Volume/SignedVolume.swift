/// `signed_volume_ratio_n`: Σ ± volume by the candle's own direction (close against open) / Σ volume of the last n
/// candles, −1…1, for n = 15 and 60; null when nothing traded.
///
/// First value at the n-th candle.
struct SignedVolume: Indicator {
  static let columns: [FeatureColumn] = [.raw("signed_volume_ratio_15"), .raw("signed_volume_ratio_60")]

  private var shortSigned = SlidingSum<15>()
  private var shortTotal = SlidingSum<15>()
  private var longSigned = SlidingSum<60>()
  private var longTotal = SlidingSum<60>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let volume = step.candle.volume
    let change = step.close - step.candle.open
    let signed = change > 0 ? volume : change < 0 ? -volume : volume * 0
    shortSigned.push(signed)
    shortTotal.push(volume)
    longSigned.push(signed)
    longTotal.push(volume)
    row.append(shortSigned.value.dividedByPositive(shortTotal.nonNegative))
    row.append(longSigned.value.dividedByPositive(longTotal.nonNegative))
  }
}
