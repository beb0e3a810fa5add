/// `parkinson_volatility_n`: √(Σ ln(high / low)² / (4 n ln 2)) of the last n candles, per minute.
///
/// First value at the n-th candle. Source: M. Parkinson, The extreme value method (1980).
struct ParkinsonVolatility: Indicator {
  static let columns: [FeatureColumn] = [.model("parkinson_volatility_15"), .raw("parkinson_volatility_60")]

  private var squares = Ring<61>()
  private var short = WindowSum<15>()
  private var long = WindowSum<60>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let square = step.logRange * step.logRange
    _ = squares.push(square)
    short.slide(adding: square, removing: squares.value(back: 15))
    long.slide(adding: square, removing: squares.value(back: 60))
    row.append((short.nonNegative / (4 * 15 * Self.ln2)).squareRoot())
    row.append((long.nonNegative / (4 * 60 * Self.ln2)).squareRoot())
  }

  private static let ln2 = 0.6931471805599453
}
