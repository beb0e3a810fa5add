/// `cci_20`: (typical price − its mean of 20) / (0.015 · mean absolute deviation), as TA-Lib's CCI; 0 in a flat window.
///
/// First value at the 20th candle. The deviation is around a mean that moves, so each update visits the 20 values.
struct CommodityChannel: Indicator {
  static let columns: [FeatureColumn] = [.raw("cci_20")]

  private var prices = InlineArray<20, Double>(repeating: 0)
  private var next = 0
  private var seen = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    prices[next] = step.typicalPrice
    next = next == 19 ? 0 : next + 1
    seen = min(seen + 1, 20)
    row.append(seen < 20 ? .nan : index(of: step.typicalPrice))
  }

  // In the order of storage, as TA-Lib adds: in quiet minutes the rounding of the mean is a part of the result.
  private mutating func index(of price: Double) -> Double {
    var sum = 0.0
    for place in 0..<20 { sum += prices[place] }
    let mean = sum / 20
    var deviation = 0.0
    for place in 0..<20 { deviation += abs(prices[place] - mean) }
    let distance = price - mean
    return distance == 0 || deviation == 0 ? 0 : distance / (0.015 * (deviation / 20))
  }
}
