/// The mean label after a rise and after a fall of the last H minutes, learnt on training rows.
package struct Momentum: Codable, Hashable, Sendable {
  package let afterRise: Double
  package let afterFall: Double
  /// After no change or an unknown one.
  package let otherwise: Double

  /// `returns` over the last H minutes in any unit, NaN where not known.
  package init(
    returns: [Double], labels: [Double], weights: [Double]? = nil, training: RangeSet<Int>, prior: Prior = .coin
  ) {
    func mean(_ belongs: (Double) -> Bool) -> Double {
      var (sum, total) = (prior.sum, prior.weight)
      for range in training.ranges {
        for row in range where belongs(returns[row]) {
          let weight = weights?[row] ?? 1
          sum += weight * labels[row]
          total += weight
        }
      }
      return sum / total
    }
    afterRise = mean { $0 > 0 }
    afterFall = mean { $0 < 0 }
    otherwise = mean { _ in true }
  }

  package func answer(return change: Double) -> Double {
    if change > 0 { return afterRise }
    return change < 0 ? afterFall : otherwise
  }
}
