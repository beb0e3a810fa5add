/// `vwap_60`: Σ typical price · volume / Σ volume of the last 60 candles (price); null when nothing traded.
///
/// First value at the 60th candle.
struct VolumeWeightedPrice: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [.raw("vwap_60")]

  private var amounts = SlidingSum<60>()
  private var volumes = SlidingSum<60>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    amounts.push(step.typicalPrice * step.candle.volume)
    volumes.push(step.candle.volume)
    row.append(amounts.nonNegative.dividedByPositive(volumes.nonNegative))
  }
}
