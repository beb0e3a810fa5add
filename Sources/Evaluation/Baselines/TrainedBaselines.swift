/// The baselines that learn from a training window; kept beside a version so that it can be judged against them later.
package struct TrainedBaselines: Codable, Hashable, Sendable {
  /// Its file in a version's folder.
  package static let fileName = "baselines.json"

  package let logistic: LogisticRegression
  package let momentum: Momentum
  /// The share of ups.
  package let baseRate: Double

  package init(logistic: LogisticRegression, momentum: Momentum, baseRate: Double) {
    (self.logistic, self.momentum, self.baseRate) = (logistic, momentum, baseRate)
  }
}
