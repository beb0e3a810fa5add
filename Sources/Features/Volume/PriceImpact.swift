/// How one-minute log returns r answered signed taker volume f (bought − sold) in the last n candles that know both:
/// `flow_return_correlation_n` = corr(r, f); `price_impact_n` = slope of r on f · mean volume, in basis points, after
/// Kyle's lambda; `flow_surprise_n` = (newest r − slope · its f) in typical one-minute moves: what flow does not explain.
///
/// First value when n are known; null in a window without movement or flow.
struct PriceImpact<let length: Int>: Indicator {
  static var source: FeatureColumn.Source { .volumes }
  static var columns: [FeatureColumn] {
    [
      .sequence("flow_return_correlation_\(length)"), .raw("price_impact_\(length)"), .raw("flow_surprise_\(length)"),
    ]
  }

  private var returns = Ring<length>()
  private var flows = Ring<length>()
  private var volumes = SlidingSum<length>()
  private var sumReturn = WindowSum<length>()
  private var sumFlow = WindowSum<length>()
  private var sumReturnSquare = WindowSum<length>()
  private var sumFlowSquare = WindowSum<length>()
  private var sumProduct = WindowSum<length>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !step.logReturn.isNaN, !step.signedVolume.isNaN { push(step) }
    let covariance = sumProduct.value - sumReturn.value * sumFlow.value / Double(length)
    let spread = sumReturnSquare.value - sumReturn.value * sumReturn.value / Double(length)
    let flowSpread = sumFlowSquare.value - sumFlow.value * sumFlow.value / Double(length)
    // Spreads below the rounding of their sums are none.
    let slope = flowSpread > 1e-12 * sumFlowSquare.value ? covariance / flowSpread : .nan
    let correlation = spread > 1e-18 ? slope * (flowSpread / spread).squareRoot() : .nan
    row.append(correlation)
    row.append(1e4 * slope * volumes.mean)
    row.append((step.logReturn - slope * step.signedVolume) * step.perMove240)
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
