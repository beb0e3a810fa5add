/// `illiquidity_ratio_15_240`: Σ|r| / Σ quote volume of the last 15 known one-minute log returns r over the same of 240,
/// after Amihud (2002): above 1 when the price moves more per unit traded than usual.
///
/// First value when 240 are known; null when nothing traded or moved.
struct Illiquidity: Indicator {
  static let columns: [FeatureColumn] = [.raw("illiquidity_ratio_15_240")]

  private var moves = Ring<241>()
  private var amounts = Ring<241>()
  private var shortMove = WindowSum<15>()
  private var longMove = WindowSum<240>()
  private var shortAmount = WindowSum<15>()
  private var longAmount = WindowSum<240>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let (move, amount) = (abs(step.logReturn), step.candle.quoteVolume)
    if !move.isNaN, !amount.isNaN { push(move, amount) }
    let short = shortMove.nonNegative.dividedByPositive(shortAmount.nonNegative)
    let long = longMove.nonNegative.dividedByPositive(longAmount.nonNegative)
    row.append(short.dividedByPositive(long))
  }

  private mutating func push(_ move: Double, _ amount: Double) {
    _ = moves.push(move)
    _ = amounts.push(amount)
    shortMove.slide(adding: move, removing: moves.value(back: 15))
    longMove.slide(adding: move, removing: moves.value(back: 240))
    shortAmount.slide(adding: amount, removing: amounts.value(back: 15))
    longAmount.slide(adding: amount, removing: amounts.value(back: 240))
  }
}
