/// MACD 12/26/9 as TA-Lib's: `macd` = EMA 12 − EMA 26 (price), `macd_signal` = EMA 9 of it, `macd_hist` = the
/// difference; `macd_hist_atr` is the same in ATRs.
///
/// Every column begins with the signal at the 34th candle.
struct ConvergenceDivergence: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("macd"), .raw("macd_signal"), .raw("macd_hist"), .raw("macd_hist_atr"),
  ]

  private var averages = AverageDifference()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    averages.push(step.close)
    let histogram = averages.value - averages.signal
    row.append(averages.signal.isNaN ? .nan : averages.value)
    row.append(averages.signal)
    row.append(histogram)
    row.append(histogram.dividedByPositive(step.averageTrueRange))
  }
}
