internal import Glibc

/// The chance that a window ends at or above its strike if the price walks at random: Φ(move / (σ√τ)).
package struct ClosedForm: Sendable, Hashable {
  /// The move so far in standard deviations of the move still to come.
  package let z: Double
  package let probability: Probability

  /// `nil` when the volatility is missing, zero or negative, or no minute is left.
  ///
  /// - Parameter volatility: standard deviation of one-minute log returns.
  package init?(_ window: WindowState, volatility: Double) {
    guard volatility > 0, volatility.isFinite, window.minutesLeft > 0 else { return nil }
    self.init(
      logMove: window.moveBasisPoints / 10_000, deviation: volatility * Double(window.minutesLeft).squareRoot())
  }

  /// `nil` unless both are numbers and the deviation is above zero.
  ///
  /// - Parameters:
  ///   - logMove: of the price that is expected to settle, over the strike.
  ///   - deviation: of the logarithm of the price that settles.
  package init?(logMove: Double, deviation: Double) {
    guard logMove.isFinite, deviation > 0, deviation.isFinite else { return nil }
    z = logMove / deviation
    probability = Probability(clipping: Self.normal(z))
  }

  package var logit: Double { probability.logit }

  /// The normal distribution function; `erfc` keeps the small tail exact.
  package static func normal(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }
}

extension ClosedForm {
  package func value(of extra: WindowExtra, _ window: WindowState) -> Float {
    switch extra {
    case .minutesLeft: Float(window.minutesLeft)
    case .moveBasisPoints: Float(window.moveBasisPoints)
    case .z: Float(z)
    }
  }
}
