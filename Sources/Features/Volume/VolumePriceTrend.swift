/// `vpt`: Σ volume · (close / previous close − 1) since the series' first candle; base asset.
///
/// Null at the first candle; goes on across every hole. A candle without a known volume leaves the sum and is null
/// itself.
struct VolumePriceTrend: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [.raw("vpt")]

  private var total = 0.0
  private var previousClose = Double.nan

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let term = step.candle.volume * ((step.close - previousClose) / previousClose)
    if !term.isNaN { total += term }
    previousClose = step.close
    row.append(term.isNaN ? .nan : total)
  }
}
