/// What the last 60 known one-minute log returns r say beyond their spread:
/// `realised_volatility_60` = √Σr²; `bipower_volatility_60` = √(π/2 · 60/59 · Σ|r||r before|), which jumps hardly move;
/// `jump_share_60` = 1 − bipower² / realised², not below 0; `downside_share_60` = Σ r² of falls / Σr²;
/// `return_autocorrelation_60` = Σ r · r before / Σr²; `efficiency_60` = |Σr| / Σ|r|, 1 for a straight line.
///
/// First value when 60 returns are known; those with a predecessor need 60 pairs of neighbouring minutes. Shares are
/// null in a flat window. Source of bipower: Barndorff-Nielsen and Shephard (2004).
struct RealisedMeasures: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("realised_volatility_60"), .raw("bipower_volatility_60"), .model("jump_share_60"),
    .model("downside_share_60"), .raw("return_autocorrelation_60"), .raw("efficiency_60"),
  ]

  private var returns = Ring<60>()
  private var products = Ring<60>()
  private var sum = WindowSum<60>()
  private var absolutes = WindowSum<60>()
  private var squares = WindowSum<60>()
  private var falls = WindowSum<60>()
  private var signedProducts = WindowSum<60>()
  private var absoluteProducts = WindowSum<60>()
  private var before = Double.nan

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !step.logReturn.isNaN { push(step.logReturn) }
    before = step.logReturn
    // Below the rounding of the sums is a window without movement.
    let variance = squares.nonNegative > 1e-18 ? squares.nonNegative : squares.nonNegative * 0
    let bipower = .pi / 2 * (60.0 / 59.0) * absoluteProducts.nonNegative
    row.append(variance.squareRoot())
    row.append(bipower.squareRoot())
    let jumps = 1 - bipower.dividedByPositive(variance)
    row.append(jumps < 0 ? 0 : jumps)
    row.append(min(falls.nonNegative.dividedByPositive(variance), 1))
    row.append(signedProducts.value.dividedByPositive(variance))
    row.append(variance > 0 ? abs(sum.value) / absolutes.nonNegative : .nan)
  }

  private mutating func push(_ value: Double) {
    let old = returns.push(value)
    sum.slide(adding: value, removing: old)
    absolutes.slide(adding: abs(value), removing: abs(old))
    squares.slide(adding: value * value, removing: old * old)
    falls.slide(adding: value < 0 ? value * value : 0, removing: old < 0 ? old * old : 0)
    guard !before.isNaN else { return }
    let product = value * before
    let oldProduct = products.push(product)
    signedProducts.slide(adding: product, removing: oldProduct)
    absoluteProducts.slide(adding: abs(product), removing: abs(oldProduct))
  }
}
