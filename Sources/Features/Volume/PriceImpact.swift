/// How one-minute log returns r answered signed taker volume f (bought − sold) in the last 60 candles that know both:
/// `flow_return_correlation_60` = corr(r, f); `price_impact_60` = slope of r on f · mean volume, in basis points, after
/// Kyle's lambda; `flow_surprise_1` = (r − slope · f) / the volatility of an hour: what flow does not explain.
///
/// First value when 60 are known; null in a window without movement or flow.
struct PriceImpact: Indicator {
  static let columns: [FeatureColumn] = [
    .model("flow_return_correlation_60"), .model("price_impact_60"), .model("flow_surprise_1"),
  ]

  private var returns = Ring<60>()
  private var flows = Ring<60>()
  private var volumes = SlidingSum<60>()
  private var sumReturn = WindowSum<60>()
  private var sumFlow = WindowSum<60>()
  private var sumReturnSquare = WindowSum<60>()
  private var sumFlowSquare = WindowSum<60>()
  private var sumProduct = WindowSum<60>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !step.logReturn.isNaN, !step.signedVolume.isNaN { push(step) }
    let covariance = sumProduct.value - sumReturn.value * sumFlow.value / 60
    let spread = sumReturnSquare.value - sumReturn.value * sumReturn.value / 60
    let flowSpread = sumFlowSquare.value - sumFlow.value * sumFlow.value / 60
    // Spreads below the rounding of their sums are none.
    let slope = flowSpread > 1e-12 * sumFlowSquare.value ? covariance / flowSpread : .nan
    let correlation = spread > 1e-18 ? slope * (flowSpread / spread).squareRoot() : .nan
    row.append(correlation)
    row.append(1e4 * slope * volumes.mean)
    row.append((step.logReturn - slope * step.signedVolume).dividedByPositive(step.volatility))
  }

  private mutating func push(_ step: borrowing CandleStep) {
    let (r, f) = (step.logReturn, step.signedVolume)
    let (oldReturn, oldFlow) = (returns.push(r), flows.push(f))
    volumes.push(step.candle.volume)
    sumReturn.slide(adding: r, removing: oldReturn)
    sumFlow.slide(adding: f, removing: oldFlow)
    sumReturnSquare.slide(adding: r * r, removing: oldReturn * oldReturn)
    sumFlowSquare.slide(adding: f * f, removing: oldFlow * oldFlow)
    sumProduct.slide(adding: r * f, removing: oldReturn * oldFlow)
  }
}
