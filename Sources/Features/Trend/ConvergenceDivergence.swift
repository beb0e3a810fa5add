/// MACD 12/26/9 as TA-Lib's: `macd` = EMA 12 − EMA 26 (price), `macd_signal` = EMA 9 of it, `macd_hist` = the
/// difference; `macd_hist_atr` is the same in ATRs.
///
/// The fast average is seeded with the mean of candles 15–26, so that both averages begin together; every column
/// begins with the signal at the 34th candle.
struct ConvergenceDivergence: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("macd"), .raw("macd_signal"), .raw("macd_hist"), .raw("macd_hist_atr"),
  ]

  private var fast = ExponentialAverage<12>()
  private var slow = ExponentialAverage<26>()
  private var signal = ExponentialAverage<9>()
  private var seen = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    slow.push(step.close)
    if seen >= 14 { fast.push(step.close) } else { seen += 1 }
    let difference = fast.value - slow.value
    if !difference.isNaN { signal.push(difference) }
    let histogram = difference - signal.value
    row.append(signal.value.isNaN ? .nan : difference)
    row.append(signal.value)
    row.append(histogram)
    row.append(histogram.dividedByPositive(step.averageTrueRange))
  }
}
