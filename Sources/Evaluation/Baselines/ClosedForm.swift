import Glibc

/// The chance that a window ends up if its price is a driftless walk: Φ(z), z = ln(price/strike) ÷ (σ·√minutes left).
package enum ClosedForm {
  package static let limits = 1e-4...(1 - 1e-4)

  /// Φ(z), clipped to [1e-4, 1 − 1e-4]; NaN for NaN.
  package static func probability(z: Double) -> Double {
    let value = erfc(-z / 2.0.squareRoot()) / 2
    return value.isNaN ? value : min(max(value, limits.lowerBound), limits.upperBound)
  }

  /// How the volatility windows compare.
  package struct Choice: Codable, Hashable, Sendable {
    /// Position of the best candidate.
    package let index: Int
    package let logLosses: [Double]
  }

  /// The candidate of least log-loss on the training rows where all candidates are known; `nil` without such rows.
  package static func choose(
    candidates: [[Double]], labels: [Double], weights: [Double]? = nil, training: RangeSet<Int>
  ) -> Choice? {
    let rows = training.rows.filter { row in candidates.allSatisfy { $0[row].isFinite } }
    guard !rows.isEmpty, !candidates.isEmpty else { return nil }
    let losses = candidates.map { z in
      Scored(
        probabilities: rows.map { probability(z: z[$0]) }, labels: rows.map { labels[$0] },
        weights: weights.map { weights in rows.map { weights[$0] } }
      ).logLoss
    }
    let best = losses.indices.reduce(0) { losses[$1] < losses[$0] ? $1 : $0 }
    return Choice(index: best, logLosses: losses)
  }
}
