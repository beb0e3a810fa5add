/// Predicted quantities beside what came, in one unit.
package struct ScoredChanges: Sendable {
  package let predictions: [Double]
  package let labels: [Double]

  package init(predictions: [Double], labels: [Double]) {
    precondition(predictions.count == labels.count, "columns differ in length")
    (self.predictions, self.labels) = (predictions, labels)
  }

  package var squaredErrors: [Double] { zip(predictions, labels).map { ($0 - $1) * ($0 - $1) } }
  package var absoluteErrors: [Double] { zip(predictions, labels).map { abs($0 - $1) } }

  /// 1 where the predicted sign came; no change counts as up.
  package var hits: [Double] { zip(predictions, labels).map { ($0 >= 0) == ($1 >= 0) ? 1 : 0 } }

  package var rootMeanSquaredError: Double { (squaredErrors.reduce(0, +) / Double(labels.count)).squareRoot() }
  package var meanAbsoluteError: Double { absoluteErrors.reduce(0, +) / Double(labels.count) }
}
