/// A map from margins to probabilities, fitted on predictions of rows the model has not seen.
package enum CalibratorFit: Hashable, Sendable {
  case platt(PlattParameters)
  case beta(BetaParameters)
  case isotonic(IsotonicParameters)

  package enum Kind: String, Sendable, Codable, CodingKeyRepresentable, CaseIterable { case platt, beta, isotonic }

  package var kind: Kind {
    switch self {
    case .platt: .platt
    case .beta: .beta
    case .isotonic: .isotonic
    }
  }

  /// `nil` unless both directions came.
  package init?(_ kind: Kind, fitting rows: MarginRows) {
    guard rows.hasBothLabels else { return nil }
    switch kind {
    case .platt: self = .platt(PlattParameters(fitting: rows))
    case .beta: self = .beta(BetaParameters(fitting: rows))
    case .isotonic: self = .isotonic(IsotonicParameters(fitting: rows))
    }
  }

  package func probability(margin: Double) -> Double {
    switch self {
    case .platt(let parameters): parameters.probability(margin: margin)
    case .beta(let parameters): parameters.probability(margin: margin)
    case .isotonic(let parameters): parameters.probability(margin: margin)
    }
  }

  /// The calibrated log-odds, which an ensemble averages.
  package func logit(margin: Double) -> Double {
    switch self {
    case .platt(let parameters): parameters.a * margin + parameters.b
    case .beta(let parameters): parameters.logit(margin: margin)
    case .isotonic(let parameters): Logit.margin(probability: parameters.probability(margin: margin))
    }
  }

  /// The rows' probabilities beside their labels.
  package func score(_ rows: MarginRows) -> Scored {
    Scored(
      probabilities: rows.margins.map { probability(margin: $0) }, labels: rows.labels, weights: rows.weights)
  }
}
