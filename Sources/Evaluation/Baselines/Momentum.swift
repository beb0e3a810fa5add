/// The chance of up after a rise and after a fall of the last H minutes, learnt on training rows.
package struct Momentum: Codable, Hashable, Sendable {
  package let afterRise: Double
  package let afterFall: Double
  /// After no change or an unknown one.
  package let otherwise: Double

  /// `returns` over the last H minutes in any unit, NaN where not known. Shares are (ups + 1) ÷ (n + 2).
  package init(returns: [Double], labels: [Double], weights: [Double]? = nil, training: RangeSet<Int>) {
    func share(_ belongs: (Double) -> Bool) -> Double {
      var (ups, total) = (1.0, 2.0)
      for range in training.ranges {
        for row in range where belongs(returns[row]) {
          let weight = weights?[row] ?? 1
          ups += weight * labels[row]
          total += weight
        }
      }
      return ups / total
    }
    afterRise = share { $0 > 0 }
    afterFall = share { $0 < 0 }
    otherwise = share { _ in true }
  }

  package func probability(return change: Double) -> Double {
    if change > 0 { return afterRise }
    return change < 0 ? afterFall : otherwise
  }
}
