/// `atr_14`: Wilder's average of the true range (price), `natr_14` = 100 · ATR / close (percent), as TA-Lib's.
///
/// First value at the 15th candle.
struct AverageTrueRange: Indicator {
  static let columns: [FeatureColumn] = [.raw("atr_14"), .raw("natr_14")]

  private var range = WilderAverage<14>()

  var value: Double { range.value }

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if step.hasPrevious { range.push(step.trueRange) }
    row.append(range.value)
    row.append(range.value / step.close * 100)
  }
}
