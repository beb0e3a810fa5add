internal import Models

/// Which volatility makes the best closed form.
package struct VolatilityChoice: Codable, Hashable, Sendable {
  /// Position of the best candidate.
  package let index: Int
  package let logLosses: [Double]

  /// The candidate of least log-loss on the training rows where all candidates are known; `nil` without such rows.
  ///
  /// - Parameter candidates: for each volatility the closed form's z by row.
  package init?(candidates: [[Double]], labels: [Double], weights: [Double]? = nil, training: RangeSet<Int>) {
    let rows = training.rows.filter { row in candidates.allSatisfy { $0[row].isFinite } }
    guard !rows.isEmpty, !candidates.isEmpty else { return nil }
    let losses = candidates.map { z in
      Scored(
        probabilities: rows.map { Probability(clipping: ClosedForm.normal(z[$0])).value },
        labels: rows.map { labels[$0] }, weights: weights.map { weights in rows.map { weights[$0] } }
      ).logLoss
    }
    index = losses.indices.reduce(0) { losses[$1] < losses[$0] ? $1 : $0 }
    logLosses = losses
  }
}
