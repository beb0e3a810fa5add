/// The rows a booster reads: columns come from several matrices side by side, rows are picked by number, and nothing
/// is joined beforehand, so that folds share the same matrices.
package struct BoosterExamples: Sendable {
  package let blocks: [Matrix]
  package let rows: [Int]
  package let goals: Goals

  package init(_ blocks: [Matrix], rows: [Int], goals: Goals) {
    precondition(blocks.allSatisfy { $0.rows == goals.labels.count }, "matrices and labels differ in rows")
    self.blocks = blocks
    self.rows = rows
    self.goals = goals
  }

  /// Where an untrained model starts: the weighted mean of the labels, or 0 (as a margin) where offsets say it.
  func base(for objective: Objective) -> Double {
    if goals.offsets != nil { return objective == .logistic ? 0.5 : 0 }
    var (total, weights) = (0.0, 0.0)
    for row in rows {
      let weight = Double(goals.weights?[row] ?? 1)
      total += weight * Double(goals.labels[row])
      weights += weight
    }
    let mean = total / weights
    return objective == .logistic ? min(max(mean, 1e-6), 1 - 1e-6) : mean
  }
}
