package import Market

/// What one model says.
package struct ModelAnswer: Sendable, Hashable {
  /// The untransformed output, the offset included.
  package let margin: Float
  /// Probability of up; for `change-H` targets the predicted percent change.
  package let value: Double

  package init(margin: Float, value: Double) { (self.margin, self.value) = (margin, value) }
}

/// Why a model of a version gives no answer.
package enum Abstention: Sendable, Hashable, CustomStringConvertible {
  /// The last hole in the series is too near.
  case shortSequence(steps: Int, needed: Int)
  /// A window target without the state of a window.
  case noWindow
  /// Without a volatility the closed form, and so the offset of every model, is not known.
  case noVolatility

  package var description: String {
    switch self {
    case .shortSequence(let steps, let needed): "sequence of \(steps) minutes, \(needed) needed"
    case .noWindow: "outside a window"
    case .noVolatility: "no volatility"
    }
  }
}

/// The answers of a version's models at one decision; `nil` for a model it does not have or that abstains.
package struct Answers: Sendable, Hashable {
  package var modelA: ModelAnswer?
  package var modelB: ModelAnswer?
  package var modelC: ModelAnswer?
  package var mlp: ModelAnswer?
  /// Its margin is the weighted mean of the calibrated logits, or of the percent changes.
  package var ensemble: ModelAnswer?
  package var baseline: ModelAnswer?
  /// Why models of the version, and with them the ensemble, are silent; `nil` if none is.
  package var abstention: Abstention?

  init() {}

  package subscript(name: ModelName) -> ModelAnswer? {
    switch name {
    case .a: modelA
    case .b: modelB
    case .c: modelC
    case .mlp: mlp
    case .ensemble: ensemble
    case .baseline: baseline
    case .linear: nil
    }
  }
}
