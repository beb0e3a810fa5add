/// `obv`: the first candle's volume, then ± volume by the close's direction, summed since the series' first candle as
/// TA-Lib's OBV does; base asset.
///
/// Goes on across every hole. A candle without a known volume leaves the sum and is null itself.
struct OnBalanceVolume: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [.raw("obv")]

  private var total = 0.0
  private var previousClose: Double?

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let volume = step.candle.volume
    if !volume.isNaN {
      let before = previousClose ?? -.infinity
      if step.close > before { total += volume } else if step.close < before { total -= volume }
    }
    previousClose = step.close
    row.append(volume.isNaN ? .nan : total)
  }
}
