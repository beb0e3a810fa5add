/// What each row should give, one entry a row; rows nobody learns from may hold NaN.
package struct Goals: Sendable {
  /// 0 or 1 for a direction, the value itself for a regression.
  package var labels: [Float]
  /// 1 everywhere if absent.
  package var weights: [Float]?
  /// The margin a row starts from, on which a model learns a correction.
  package var offsets: [Float]?

  package init(labels: [Float], weights: [Float]? = nil, offsets: [Float]? = nil) {
    precondition((weights?.count ?? labels.count) == labels.count, "weights do not match labels")
    precondition((offsets?.count ?? labels.count) == labels.count, "offsets do not match labels")
    self.labels = labels
    self.weights = weights
    self.offsets = offsets
  }
}

/// What is minimised: log-loss of the margin's probability, or the squared error of the margin itself.
package enum Objective: String, Sendable, Codable {
  case logistic
  case squaredError
}
