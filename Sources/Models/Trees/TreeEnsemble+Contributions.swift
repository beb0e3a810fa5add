extension TreeEnsemble {
  /// What each feature adds to the margin of one row, then what the model answers on average; together they are the margin.
  ///
  /// Exact Shapley values over the paths of the trees, weighted by training cover (Lundberg, Erion and Lee 2018,
  /// algorithm 2), as XGBoost's `pred_contribs`. In `Double`, so the sum differs from the margin by its float rounding.
  package func contributions(_ features: [Float], baseMargin: Float? = nil) -> [Double] {
    precondition(features.count >= featureCount, "a row of \(features.count) for \(featureCount) features")
    var result = [Double](repeating: 0, count: featureCount + 1)
    result[featureCount] = Double(baseMargin ?? self.baseMargin)
    for tree in trees {
      let root = Int(tree.root)
      result[featureCount] += expectation(root)
      guard nodes[root].isSplit else { continue }
      descend(root, row: features, path: [], zero: 1, one: 1, feature: -1, into: &result)
    }
    return result
  }

  /// One feature on the way from the root: how much of the training weight, and of the row, went on when it was unknown and
  /// known; `weight` counts the subsets of a size.
  private struct Step {
    var feature: Int
    var zero: Double
    var one: Double
    var weight: Double
  }

  private func expectation(_ node: Int) -> Double {
    guard nodes[node].isSplit else { return Double(nodes[node].value) }
    let left = node + nodes[node].leftDistance
    let share = leftShare(node)
    return share * expectation(left) + (1 - share) * expectation(left + 1)
  }

  private func leftShare(_ node: Int) -> Double {
    let left = node + nodes[node].leftDistance
    let total = Double(covers[left]) + Double(covers[left + 1])
    return total > 0 ? Double(covers[left]) / total : 0.5
  }

  private func descend(
    _ node: Int, row: [Float], path: [Step], zero: Double, one: Double, feature: Int, into result: inout [Double]
  ) {
    var path = Self.extended(path, zero: zero, one: one, feature: feature)
    guard nodes[node].isSplit else {
      for index in path.indices.dropFirst() {
        let step = path[index]
        let weight = Self.unwound(path, at: index).reduce(0) { $0 + $1.weight }
        result[step.feature] += weight * (step.one - step.zero) * Double(nodes[node].value)
      }
      return
    }
    let split = nodes[node]
    let left = node + split.leftDistance
    let hot = row.withUnsafeBufferPointer { row in row.baseAddress.map { node + split.step($0) } ?? left }
    let share = leftShare(node)
    var before = (zero: 1.0, one: 1.0)
    if let index = path.dropFirst().firstIndex(where: { $0.feature == split.feature }) {
      before = (path[index].zero, path[index].one)
      path = Self.unwound(path, at: index)
    }
    for child in [left, left + 1] {
      descend(
        child, row: row, path: path, zero: before.zero * (child == left ? share : 1 - share),
        one: child == hot ? before.one : 0, feature: split.feature, into: &result)
    }
  }

  private static func extended(_ path: [Step], zero: Double, one: Double, feature: Int) -> [Step] {
    var path = path
    let depth = path.count
    path.append(Step(feature: feature, zero: zero, one: one, weight: depth == 0 ? 1 : 0))
    for index in stride(from: depth - 1, through: 0, by: -1) {
      path[index + 1].weight += one * path[index].weight * Double(index + 1) / Double(depth + 1)
      path[index].weight = zero * path[index].weight * Double(depth - index) / Double(depth + 1)
    }
    return path
  }

  private static func unwound(_ path: [Step], at index: Int) -> [Step] {
    var path = path
    let depth = path.count - 1
    let (zero, one) = (path[index].zero, path[index].one)
    var next = path[depth].weight
    for position in stride(from: depth - 1, through: 0, by: -1) {
      let before = path[position].weight
      if one != 0 {
        path[position].weight = next * Double(depth + 1) / (Double(position + 1) * one)
        next = before - path[position].weight * zero * Double(depth - position) / Double(depth + 1)
      } else if zero != 0 {
        path[position].weight = before * Double(depth + 1) / (zero * Double(depth - position))
      }
    }
    for position in index..<depth {
      path[position].feature = path[position + 1].feature
      path[position].zero = path[position + 1].zero
      path[position].one = path[position + 1].one
    }
    path.removeLast()
    return path
  }
}
