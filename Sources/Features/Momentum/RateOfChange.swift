/// `roc_10`: 100 · (close / close ten minutes before − 1), percent, as TA-Lib's ROC; null when that minute is absent.
struct RateOfChange: Indicator {
  static let columns: [FeatureColumn] = [.raw("roc_10")]

  private var closes = MinuteRing<16>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close, minute: step.minute)
    row.append(100 * (step.close / closes.value(minutesAgo: 10) - 1))
  }
}
