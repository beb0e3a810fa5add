/// Platt's map: the calibrated log-odds are a·margin + b.
package struct PlattParameters: Codable, Hashable, Sendable {
  package var a: Double
  package var b: Double

  package init(a: Double, b: Double) { (self.a, self.b) = (a, b) }

  /// The least log-loss, without penalty and without Platt's smoothed labels: out-of-fold rows are many.
  init(fitting rows: MarginRows) {
    let ones = [Double](repeating: 1, count: rows.count)
    let problem = SmallLogit(columns: [rows.margins, ones], labels: rows.labels, weights: rows.weights)
    let best = problem.solve(subset: [0, 1]).coefficients
    self.init(a: best[0], b: best[1])
  }

  package func probability(margin: Double) -> Double { Logit.probability(margin: a * margin + b) }
}
