/// Logistic regression with an L2 penalty on standardised columns.
package struct LogisticRegression: Codable, Hashable, Sendable {
  package let standardisation: Standardisation
  /// For the standardised columns.
  package let coefficients: [Double]
  package let intercept: Double

  /// What to learn from; `offset` is a known part of the margin, such as the closed form's logit.
  package struct Problem: Sendable {
    package var matrix: RowMatrix
    /// 0 or 1 for each row of the matrix.
    package var labels: [Double]
    package var weights: [Double]?
    package var offset: [Double]?
    package var training: RangeSet<Int>

    package init(
      matrix: RowMatrix, labels: [Double], weights: [Double]? = nil, offset: [Double]? = nil, training: RangeSet<Int>
    ) {
      self.matrix = matrix
      self.labels = labels
      self.weights = weights
      self.offset = offset
      self.training = training
    }
  }

  /// Minimises the weighted sum of log-losses + ½·penalty·Σ coefficient², the intercept free.
  ///
  /// Newton steps whose curvature is kept while they converge fast: short-horizon margins are small, so it hardly
  /// changes and one pass over all pairs of columns is mostly enough.
  package init(fitting problem: Problem, penalty: Double = 1) {
    standardisation = Standardisation(problem.matrix, training: problem.training)
    var kernel = LogisticKernel(problem, standardisation)
    let columns = problem.matrix.columnCount
    var solution = [Double](repeating: 0, count: columns + 1)
    var hessian: [Double]?
    var state = kernel.gradient(solution, penalty: penalty)
    for _ in 0..<60 {
      let curvature = hessian ?? kernel.hessian(solution, penalty: penalty)
      let isFresh = hessian == nil
      hessian = curvature
      guard let step = Cholesky.solve(curvature, state.gradient, ridge: 1e-7) else { break }
      let decrement = zip(step, state.gradient).reduce(0) { $0 + $1.0 * $1.1 }
      guard decrement > 1e-13 else { break }
      var length = 1.0
      var next = state
      var moved = solution
      repeat {
        moved = zip(solution, step).map { $0 - length * $1 }
        next = kernel.gradient(moved, penalty: penalty)
        length /= 2
      } while isFresh && next.loss > state.loss && length > 1e-6
      guard next.loss < state.loss else {
        if isFresh { break }
        hessian = nil
        continue
      }
      if Self.squaredNorm(next.gradient) > 0.1 * Self.squaredNorm(state.gradient) { hessian = nil }
      (solution, state) = (moved, next)
    }
    coefficients = Array(solution.dropLast())
    intercept = solution[columns]
  }

  private static func squaredNorm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 } }

  /// The log-odds of a row of raw values, without the offset.
  package func margin(_ row: some Collection<Float>) -> Double {
    var margin = intercept
    for (column, raw) in row.enumerated() {
      margin += coefficients[column] * Double(standardisation.value(raw, column: column))
    }
    return margin
  }

  /// The log-odds of all rows, offsets included.
  package func margins(_ matrix: RowMatrix, offset: [Double]? = nil) -> [Double] {
    (0..<matrix.rowCount).map { margin(matrix.row($0)) + (offset?[$0] ?? 0) }
  }
}
