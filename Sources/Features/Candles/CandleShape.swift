/// The candle by itself: `range_bp` = 10⁴ · ln(high / low); `close_position` = (close − low) / (high − low), 0–1;
/// `body_position` = (close − open) / (high − low), −1…1; both null when the candle has no range; `range_atr` = true
/// range in ATRs.
struct CandleShape: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("range_bp"), .raw("close_position"), .raw("body_position"), .raw("range_atr"),
  ]

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let candle = step.candle
    let range = candle.high - candle.low
    row.append(1e4 * step.logRange)
    row.append((candle.close - candle.low).dividedByPositive(range))
    row.append((candle.close - candle.open).dividedByPositive(range))
    row.append(step.trueRange.dividedByPositive(step.averageTrueRange))
  }
}
