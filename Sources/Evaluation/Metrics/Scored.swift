import Glibc

/// Probabilities of up beside what came, with optional weights: all that a score needs.
package struct Scored: Sendable {
  package let probabilities: [Double]
  /// 0 or 1.
  package let labels: [Double]
  /// Not negative; `nil` weighs all rows alike.
  package let weights: [Double]?

  package init(probabilities: [Double], labels: [Double], weights: [Double]? = nil) {
    precondition(probabilities.count == labels.count, "columns differ in length")
    precondition(weights == nil || weights?.count == labels.count, "columns differ in length")
    (self.probabilities, self.labels, self.weights) = (probabilities, labels, weights)
  }

  package var count: Int { labels.count }

  package func weight(_ row: Int) -> Double { weights?[row] ?? 1 }

  /// The same rows with other people's probabilities.
  package func with(probabilities: [Double]) -> Scored {
    Scored(probabilities: probabilities, labels: labels, weights: weights)
  }

  package func selecting(_ rows: some Sequence<Int>) -> Scored {
    let rows = Array(rows)
    return Scored(
      probabilities: rows.map { probabilities[$0] }, labels: rows.map { labels[$0] },
      weights: weights.map { weights in rows.map { weights[$0] } })
  }

  /// Mean −ln of the probability given to what came, clipped at 1e-15.
  package var logLoss: Double { mean(logLosses) }

  /// Mean squared distance of the probability from what came.
  package var brier: Double { mean(squaredErrors) }

  /// The part of rows whose more probable direction came; a probability of one half says up.
  package var accuracy: Double { mean(hits) }

  /// The part of rows that went up.
  package var baseRate: Double { mean(labels) }

  /// 1 − Brier ÷ the baseline's Brier: above 0 better than the baseline, 1 perfect.
  package func brierSkill(over baseline: Scored) -> Double { 1 - brier / baseline.brier }

  package var logLosses: [Double] {
    zip(probabilities, labels).map { probability, label in
      let clipped = Logit.clip(probability)
      return -(label * log(clipped) + (1 - label) * log1p(-clipped))
    }
  }

  package var squaredErrors: [Double] { zip(probabilities, labels).map { ($0 - $1) * ($0 - $1) } }

  /// 1 where the stated direction came, else 0.
  package var hits: [Double] { zip(probabilities, labels).map { ($0 >= 0.5) == ($1 >= 0.5) ? 1 : 0 } }

  /// NaN without rows.
  package func mean(_ values: [Double]) -> Double {
    var (sum, total) = (0.0, 0.0)
    for row in values.indices {
      sum += weight(row) * values[row]
      total += weight(row)
    }
    return sum / total
  }
}
