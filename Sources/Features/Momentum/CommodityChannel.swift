/// `cci_20`: (typical price − its mean of 20) / (0.015 · mean absolute deviation), as TA-Lib's CCI; 0 in a flat window.
///
/// First value at the 20th candle. The deviation is around a mean that moves, so each update visits the 20 values.
struct CommodityChannel: Indicator {
  static let columns: [FeatureColumn] = [.model("cci_20")]

  private var prices = InlineArray<5, SIMD4<Double>>(repeating: .zero)
  private var next = 0
  private var seen = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    prices[next >> 2][next & 3] = step.typicalPrice
    next = next == 19 ? 0 : next + 1
    seen = min(seen + 1, 20)
    row.append(seen < 20 ? .nan : index(of: step.typicalPrice))
  }

  private func index(of price: Double) -> Double {
    let mean = (prices[0] + prices[1] + prices[2] + prices[3] + prices[4]).sum() / 20
    var deviations = SIMD4<Double>.zero
    for group in 0..<5 {
      let difference = prices[group] - mean
      deviations += pointwiseMax(difference, -difference)
    }
    let deviation = deviations.sum()
    let distance = price - mean
    return distance == 0 || deviation == 0 ? 0 : distance / (0.015 * (deviation / 20))
  }
}
