internal import FoundationEssentials
package import Market
package import Models

/// Everything a fit of the tick cadence depends on besides the dataset.
package struct TickTrainingPlan: Codable, Equatable, Sendable {
  package var target = PredictionTarget.move(horizonSeconds: 60)
  package var seed: UInt64 = 1
  package var threads = 1
  package var folds = 3
  /// The part of the points before the first test; 0–1.
  package var initialShare = 0.4
  /// Minutes between the last training label and the first tested point: no shorter than the longest window of an
  /// input, so that no tested point saw trades that a training label was made of.
  package var embargoMinutes = 5
  package var perceptron = NetworkParameters(.perceptron)
  /// Each pass reads one point in so many, at a random phase: neighbours' labels are almost the same.
  package var thinningPoints = 8
  /// Intervals are drawn from blocks of this length.
  package var blockMinutes = 5
  /// Under so much tape nothing is fitted.
  package var minimumTapeHours = 6.0
  /// Whether the chosen recipe is fitted once more on all points.
  package var refits = true

  package init() {
    perceptron.objective = .squaredError
    perceptron.epochs = 20
    perceptron.weightDecay = 0.01
  }

  /// The usual plan with what `overrides` says instead: an object with any of the plan's keys.
  ///
  /// - Throws: `TrainingError.badPlan` for keys a plan does not have and values of another kind.
  package init(overrides: JSONNode) throws {
    self = try overrides.applied(to: TickTrainingPlan(), optionalKeys: [])
    guard target.isOfTicks else { throw TrainingError.badPlan("\(target) is no target of the tick cadence") }
    guard folds >= 2, thinningPoints >= 1, blockMinutes >= 1, embargoMinutes >= 0, (0..<1).contains(initialShare) else {
      throw TrainingError.badPlan("folds, shares, embargo and thinning are out of range")
    }
  }
}
