import Glibc

/// Logistic regression without penalty on a few columns, by damped Newton steps.
struct SmallLogit {
  let columns: [[Double]]
  let labels: [Double]
  var weights: [Double]?
  var offset: [Double]?

  struct Solution {
    let coefficients: [Double]
    /// Weighted mean log-loss.
    let loss: Double
  }

  /// The best coefficients; `subset` names the columns used, the others get 0.
  func solve(subset: [Int]) -> Solution {
    var coefficients = [Double](repeating: 0, count: columns.count)
    var state = derivatives(coefficients, subset)
    for _ in 0..<100 {
      guard let step = Cholesky.solve(state.hessian, state.gradient, ridge: 1e-12) else { break }
      let decrement = zip(step, state.gradient).reduce(0) { $0 + $1.0 * $1.1 }
      guard decrement > 1e-16 else { break }
      guard let next = descend(from: coefficients, along: step, subset, loss: state.loss) else { break }
      coefficients = next
      state = derivatives(coefficients, subset)
    }
    return Solution(coefficients: coefficients, loss: state.loss)
  }

  private func descend(from start: [Double], along step: [Double], _ subset: [Int], loss: Double) -> [Double]? {
    var length = 1.0
    for _ in 0..<30 {
      var next = start
      for (index, column) in subset.enumerated() { next[column] -= length * step[index] }
      if self.loss(next, subset) < loss { return next }
      length /= 2
    }
    return nil
  }

  private func margin(_ row: Int, _ coefficients: [Double], _ subset: [Int]) -> Double {
    var margin = offset?[row] ?? 0
    for column in subset { margin += coefficients[column] * columns[column][row] }
    return margin
  }

  private func loss(_ coefficients: [Double], _ subset: [Int]) -> Double {
    var (sum, total) = (0.0, 0.0)
    for row in labels.indices {
      let weight = weights?[row] ?? 1
      sum += weight * Logit.loss(margin: margin(row, coefficients, subset), label: labels[row])
      total += weight
    }
    return sum / total
  }

  private func derivatives(
    _ coefficients: [Double], _ subset: [Int]
  ) -> (loss: Double, gradient: [Double], hessian: [Double]) {
    let size = subset.count
    var (loss, total) = (0.0, 0.0)
    var gradient = [Double](repeating: 0, count: size)
    var hessian = [Double](repeating: 0, count: size * size)
    for row in labels.indices {
      let weight = weights?[row] ?? 1
      let margin = margin(row, coefficients, subset)
      let probability = Logit.probability(margin: margin)
      loss += weight * Logit.loss(margin: margin, label: labels[row])
      total += weight
      for i in 0..<size {
        let x = columns[subset[i]][row] * weight
        gradient[i] += x * (probability - labels[row])
        let curvature = x * probability * (1 - probability)
        for j in 0...i { hessian[i * size + j] += curvature * columns[subset[j]][row] }
      }
    }
    return (loss / total, gradient.map { $0 / total }, hessian.map { $0 / total })
  }
}

/// Solves symmetric positive systems given by their lower triangle, row by row.
enum Cholesky {
  /// `nil` when the matrix, with `ridge` times its mean diagonal added to the diagonal, is not positive.
  static func solve(_ matrix: [Double], _ vector: [Double], ridge: Double) -> [Double]? {
    let size = vector.count
    var lower = matrix
    let jitter = ridge * (0..<size).reduce(0) { $0 + matrix[$1 * size + $1] } / Double(max(1, size))
    for i in 0..<size {
      for j in 0...i {
        var sum = lower[i * size + j] + (i == j ? jitter : 0)
        for k in 0..<j { sum -= lower[i * size + k] * lower[j * size + k] }
        guard i == j else {
          lower[i * size + j] = sum / lower[j * size + j]
          continue
        }
        guard sum > 0, sum.isFinite else { return nil }
        lower[i * size + i] = sum.squareRoot()
      }
    }
    return substitute(lower, vector)
  }

  private static func substitute(_ lower: [Double], _ vector: [Double]) -> [Double] {
    let size = vector.count
    var x = vector
    for i in 0..<size {
      for k in 0..<i { x[i] -= lower[i * size + k] * x[k] }
      x[i] /= lower[i * size + i]
    }
    for i in (0..<size).reversed() {
      for k in i + 1..<max(size, i + 1) { x[i] -= lower[k * size + i] * x[k] }
      x[i] /= lower[i * size + i]
    }
    return x
  }
}
