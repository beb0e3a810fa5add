/// `run_length`: candles in a row that closed up (positive) or down (negative); 0 at an unchanged close, at most ±30.
///
/// First value at the second candle.
struct RunLength: Indicator {
  static let columns: [FeatureColumn] = [.raw("run_length")]

  private var run = 0.0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    guard step.hasPrevious else {
      row.append(.nan)
      return
    }
    if step.close > step.previousClose {
      run = min(max(run, 0) + 1, 30)
    } else if step.close < step.previousClose {
      run = max(min(run, 0) - 1, -30)
    } else {
      run = 0
    }
    row.append(run)
  }
}
