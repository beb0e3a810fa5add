/// The weights with which calibrated logits are averaged: not negative, summing to one, of least log-loss.
package enum EnsembleFit {
  /// One column of logits for each model; equal weights unless both directions came.
  ///
  /// The loss is convex, so the optimum is the free optimum of one face of the simplex: the best of those fits whose
  /// weights are not negative. With a handful of models every face is tried.
  package static func weights(logits: [[Double]], labels: [Double], weights: [Double]? = nil) -> [Double] {
    let equal = [Double](repeating: 1 / Double(logits.count), count: logits.count)
    precondition((1...8).contains(logits.count), "faces of the simplex are too many to try")
    guard MarginRows(margins: labels, labels: labels).hasBothLabels else { return equal }
    var best: (weights: [Double], loss: Double)?
    for face in faces(logits.count) {
      let fit = optimum(on: face, logits, labels, weights)
      guard fit.weights.allSatisfy({ $0 >= 0 }), fit.loss < best?.loss ?? .infinity else { continue }
      best = fit
      if face.count == logits.count { break }
    }
    return best?.weights ?? equal
  }

  /// All sets of models, the largest first.
  private static func faces(_ count: Int) -> [[Int]] {
    let all = (1..<1 << count).map { mask in (0..<count).filter { mask >> $0 & 1 == 1 } }
    return all.sorted { ($1.count, $0.description) < ($0.count, $1.description) }
  }

  /// With the sum held at one, the weights of all but the last model are the coefficients of a logistic regression on
  /// the differences from the last model, which is the offset.
  private static func optimum(
    on face: [Int], _ logits: [[Double]], _ labels: [Double], _ rowWeights: [Double]?
  ) -> (weights: [Double], loss: Double) {
    let base = logits[face[face.count - 1]]
    let others = face.dropLast().map { model in zip(logits[model], base).map { $0 - $1 } }
    let problem = SmallLogit(columns: others, labels: labels, weights: rowWeights, offset: base)
    let solution = problem.solve(subset: Array(others.indices))
    var weights = [Double](repeating: 0, count: logits.count)
    for (index, model) in face.dropLast().enumerated() { weights[model] = solution.coefficients[index] }
    weights[face[face.count - 1]] = 1 - solution.coefficients.reduce(0, +)
    return (weights, solution.loss)
  }
}
