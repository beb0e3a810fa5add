package import Market

/// Everything a fit depends on besides the dataset: the same plan and dataset give the same version, byte for byte.
package struct TrainingPlan: Codable, Equatable, Sendable {
  package var target: PredictionTarget
  package var seed: UInt64 = 1
  package var threads = 2
  package var folds = 5
  /// The part of the decisions before the first test; 0–1.
  package var initialShare = 0.5
  /// Minutes between the last training label and the first tested decision; the target's horizon unless said.
  package var embargoMinutes: Int
  /// Model A, and model C with its own regularisation.
  package var trees: BoosterParameters
  package var hybridTrees: BoosterParameters
  package var sequence = NetworkParameters(.sequence)
  package var perceptron = NetworkParameters(.perceptron)
  /// The later part of a training window, which model B never sees and model C's trees are fitted on.
  package var hybridShare = 0.5
  /// Sequences and perceptron rows are thinned to one in this many minutes, at a random phase each epoch.
  package var thinningMinutes: Int
  /// Trees read one row in this many minutes, at a fixed phase.
  package var treeThinningMinutes: Int
  package var logisticPenalty = 100.0
  /// Volatility columns among which the closed form chooses.
  package var volatilityColumns = [
    "volatility_15", "volatility_30", "volatility_60", "volatility_120", "volatility_decaying",
  ]
  /// Whether the recipe is fitted once more on all rows.
  package var refits = true
  /// Calibrator kind of the newest version, when hyper-parameters are reused.
  package var calibratorKind: String?

  package init(target: PredictionTarget) {
    self.target = target
    embargoMinutes = target.horizonMinutes
    thinningMinutes = Self.usualThinning(target)
    trees = Self.usualTrees(target)
    hybridTrees = trees
    treeThinningMinutes = target.isWindow ? 1 : 4
    sequence.epochs = 4
    sequence.learningRate = 2e-3
    perceptron.epochs = 4
    perceptron.weightDecay = 0.01
    if !target.isBinary {
      trees.objective = .squaredError
      hybridTrees.objective = .squaredError
      sequence.objective = .squaredError
      perceptron.objective = .squaredError
    }
  }

  /// A third of the horizon: labels that near say almost the same. For windows a step that shares no divisor with the
  /// length, so that each pass sees all minutes left.
  private static func usualThinning(_ target: PredictionTarget) -> Int {
    let third = max(1, target.horizonMinutes / 3)
    guard target.isWindow else { return third }
    return (1...third).last { step in
      (2...max(2, step)).allSatisfy { step % $0 != 0 || target.horizonMinutes % $0 != 0 }
    } ?? 1
  }

  /// Short-horizon margins are small and noisy: few columns a tree, large leaves, strong shrinkage.
  private static func usualTrees(_ target: PredictionTarget) -> BoosterParameters {
    var parameters = BoosterParameters()
    parameters.rounds = 400
    parameters.depth = target.isWindow ? 4 : 5
    parameters.learningRate = 0.02
    parameters.rowFraction = 0.5
    parameters.columnFraction = target.isWindow ? 0.6 : 0.3
    parameters.minimumChildWeight = 200
    parameters.lambda = 50
    parameters.bins = 64
    parameters.patience = 60
    return parameters
  }

  var objective: Objective { target.isBinary ? .logistic : .squaredError }
}
