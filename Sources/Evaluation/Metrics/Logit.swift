import Glibc

/// Margins and probabilities: the natural logarithm of the odds and back.
package enum Logit {
  package static func probability(margin: Double) -> Double {
    if margin >= 0 { return 1 / (1 + exp(-margin)) }
    let odds = exp(margin)
    return odds / (1 + odds)
  }

  /// Probabilities are clipped to [1e-15, 1 − 1e-15] first, so that the margin is finite.
  package static func margin(probability: Double) -> Double {
    let clipped = clip(probability)
    return log(clipped) - log1p(-clipped)
  }

  /// −ln of the probability that a margin gives to a label of 0 to 1.
  package static func loss(margin: Double, label: Double) -> Double { softplus(margin) - label * margin }

  /// ln(1 + eˣ).
  package static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// Keeps logarithms finite for a model that is sure of itself and wrong.
  static func clip(_ probability: Double) -> Double { min(max(probability, 1e-15), 1 - 1e-15) }
}
