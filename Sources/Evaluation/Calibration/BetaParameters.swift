/// The map of Kull, Silva Filho and Flach (2017): the calibrated log-odds are a·ln p − b·ln(1 − p) + c, with p the
/// margin's probability and a, b ≥ 0.
package struct BetaParameters: Codable, Hashable, Sendable {
  package var a: Double
  package var b: Double
  package var c: Double

  package init(a: Double, b: Double, c: Double) { (self.a, self.b, self.c) = (a, b, c) }

  /// The least log-loss. It is convex, so the best of the fits with some of a and b held at zero is the constrained
  /// optimum.
  init(fitting rows: MarginRows) {
    let problem = SmallLogit(
      columns: [
        rows.margins.map { -Logit.softplus(-$0) }, rows.margins.map { Logit.softplus($0) },
        [Double](repeating: 1, count: rows.count),
      ], labels: rows.labels, weights: rows.weights)
    var best = problem.solve(subset: [0, 1, 2])
    if best.coefficients[0] < 0 || best.coefficients[1] < 0 {
      best = problem.solve(subset: [2])
      for subset in [[0, 2], [1, 2]] {
        let fit = problem.solve(subset: subset)
        if fit.coefficients[subset[0]] >= 0, fit.loss < best.loss { best = fit }
      }
    }
    self.init(a: best.coefficients[0], b: best.coefficients[1], c: best.coefficients[2])
  }

  package func logit(margin: Double) -> Double {
    -a * Logit.softplus(-margin) + b * Logit.softplus(margin) + c
  }

  package func probability(margin: Double) -> Double { Logit.probability(margin: logit(margin: margin)) }
}
