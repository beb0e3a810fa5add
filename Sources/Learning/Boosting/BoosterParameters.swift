/// Hyper-parameters of boosted trees. The model does not depend on `threads`.
package struct BoosterParameters: Sendable, Equatable, Codable {
  package var objective = Objective.logistic
  package var rounds = 400
  package var depth = 4
  package var learningRate = 0.05
  /// Share of the rows each tree sees.
  package var rowFraction = 0.8
  /// Share of the columns each tree sees.
  package var columnFraction = 0.7
  package var minimumChildWeight = 1.0
  /// L2 penalty on leaf values.
  package var lambda = 1.0
  /// L1 penalty on leaf values.
  package var alpha = 0.0
  /// Least gain of a split.
  package var gamma = 0.0
  package var bins = 256
  package var seed: UInt32 = 0
  package var threads = 2
  /// Rounds without a better validation score after which the fit stops.
  package var patience = 50

  package init() {}

  var metric: String {
    switch objective {
    case .logistic: "logloss"
    case .squaredError: "rmse"
    }
  }

  /// The library's names and texts. `base` is the prediction before the first tree, in the label's units.
  func settings(base: Double) -> [(name: String, value: String)] {
    [
      ("objective", objective == .logistic ? "binary:logistic" : "reg:squarederror"),
      ("eval_metric", metric),
      ("tree_method", "hist"),
      ("max_depth", "\(depth)"),
      ("eta", "\(learningRate)"),
      ("subsample", "\(rowFraction)"),
      ("colsample_bytree", "\(columnFraction)"),
      ("min_child_weight", "\(minimumChildWeight)"),
      ("reg_lambda", "\(lambda)"),
      ("reg_alpha", "\(alpha)"),
      ("gamma", "\(gamma)"),
      ("max_bin", "\(bins)"),
      ("seed", "\(seed)"),
      ("nthread", "\(threads)"),
      ("base_score", "\(base)"),
      ("verbosity", "0"),
    ]
  }
}
