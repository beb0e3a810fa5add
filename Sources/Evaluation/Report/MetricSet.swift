package import Models

/// How one model did on one set of rows.
package struct MetricSet: Codable, Hashable, Sendable {
  package let rowCount: Int
  package let dayCount: Int
  /// Why the intervals may not be believed.
  package let warning: String?
  /// For binary targets.
  package let probability: ProbabilityMetrics?
  /// For targets that are a quantity.
  package let change: ChangeMetrics?
}

package struct ProbabilityMetrics: Codable, Hashable, Sendable {
  package let logLoss: Estimate
  package let brier: Estimate
  /// By the name of the baseline.
  package let brierSkill: [String: Estimate]
  package let auc: Estimate
  package let accuracy: Estimate
  /// Over 15 bins of equal width. Resampling adds noise to every bin, so the interval leans upward.
  package let calibrationError: Estimate
  package let quantileCalibrationError: Double
  package let baseRate: Double
  package let reliability: [ReliabilityBin]
  package let accuracyByConfidence: [AccuracyBand]
  /// For windows.
  package let accuracyByMinutesLeft: [AccuracyBand]?
}

/// In the unit of the target: percent, or basis points.
package struct ChangeMetrics: Codable, Hashable, Sendable {
  package let rootMeanSquaredError: Estimate
  package let meanAbsoluteError: Estimate
  /// 1 − mean squared error ÷ the baseline's, by the name of the baseline.
  package let squaredErrorSkill: [String: Estimate]
  /// The part of rows whose predicted sign came.
  package let signAccuracy: Estimate
}
