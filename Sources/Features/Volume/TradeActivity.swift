/// `trades_per_minute` (count of the candle), `trades_ratio_60` = count / mean of 60, `mean_trade_size` = volume /
/// trades (base asset) and `trade_size_ratio_60` = that / Σ volume · Σ trades of 60; null when nothing traded.
///
/// The ratios begin at the 60th candle.
struct TradeActivity: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [
    .raw("trades_per_minute"), .model("trades_ratio_60"), .raw("mean_trade_size"), .sequence("trade_size_ratio_60"),
  ]

  private var trades = SlidingSum<60>()
  private var volumes = SlidingSum<60>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let (count, volume) = (step.candle.trades, step.candle.volume)
    trades.push(count)
    volumes.push(volume)
    let size = volume.dividedByPositive(count)
    let usualSize = volumes.nonNegative.dividedByPositive(trades.nonNegative)
    row.append(count)
    row.append(count.dividedByPositive(trades.nonNegative / 60))
    row.append(size)
    row.append(size.dividedByPositive(usualSize))
  }
}
