/// Boosted regression trees as XGBoost 3.2 trains them, evaluated bit for bit as libxgboost does.
///
/// The margin is the base margin plus one leaf of each tree, added in `Float` in the order of the trees.
package struct TreeEnsemble: Sendable {
  package enum Objective: String, Sendable {
    case logistic = "binary:logistic"
    case squaredError = "reg:squarederror"
  }

  package let objective: Objective
  package let featureCount: Int
  /// What a row starts from when it brings no margin of its own.
  package let baseMargin: Float
  /// As written in the model, empty if it has none.
  package let featureNames: [String]
  let nodes: [TreeNode]
  let trees: [Tree]
  /// The sum of hessians that reached each node in training.
  let covers: [Float]

  struct Tree: Sendable {
    let root: Int32
    /// Steps from the root to the deepest leaf.
    let depth: Int32
  }

  init(
    objective: Objective, featureCount: Int, baseMargin: Float, featureNames: [String], nodes: [TreeNode],
    trees: [Tree], covers: [Float]
  ) {
    self.objective = objective
    self.featureCount = featureCount
    self.baseMargin = baseMargin
    self.featureNames = featureNames
    self.nodes = nodes
    self.trees = trees
    self.covers = covers
  }

  package var treeCount: Int { trees.count }

  /// The untransformed output for one row; NaN is a missing value. Allocates nothing.
  package func margin(_ features: UnsafeBufferPointer<Float>, baseMargin: Float? = nil) -> Float {
    precondition(features.count >= featureCount, "a row of \(features.count) for \(featureCount) features")
    guard let row = features.baseAddress else { return baseMargin ?? self.baseMargin }
    return nodes.withUnsafeBufferPointer { nodes in
      trees.withUnsafeBufferPointer { trees in
        guard let nodes = nodes.baseAddress else { return baseMargin ?? self.baseMargin }
        return Self.sum(
          from: baseMargin ?? self.baseMargin, nodes: nodes, trees: trees, row: row, count: featureCount)
      }
    }
  }

  package func margin(_ features: [Float], baseMargin: Float? = nil) -> Float {
    features.withUnsafeBufferPointer { margin($0, baseMargin: baseMargin) }
  }

  private static func sum(
    from base: Float, nodes: UnsafePointer<TreeNode>, trees: UnsafeBufferPointer<Tree>, row: UnsafePointer<Float>,
    count: Int
  ) -> Float {
    var isWhole = true
    for index in 0..<count { isWhole = isWhole && !row[index].isNaN }
    // Most rows are whole, and then a step is a third shorter.
    return isWhole
      ? walk(from: base, nodes, trees) { $0.pointee.stepOfWhole(row) }
      : walk(from: base, nodes, trees) { $0.pointee.step(row) }
  }

  /// Walks eight trees at a time: the loads of one hide the latency of the others. Leaves lead to themselves, so trees
  /// of unequal depth walk together.
  @inline(__always)
  private static func walk(
    from base: Float, _ nodes: UnsafePointer<TreeNode>, _ trees: UnsafeBufferPointer<Tree>,
    step: (UnsafePointer<TreeNode>) -> Int
  ) -> Float {
    var total = base
    var index = 0
    while index + 8 <= trees.count {
      var (a, b) = (nodes + Int(trees[index].root), nodes + Int(trees[index + 1].root))
      var (c, d) = (nodes + Int(trees[index + 2].root), nodes + Int(trees[index + 3].root))
      var (e, f) = (nodes + Int(trees[index + 4].root), nodes + Int(trees[index + 5].root))
      var (g, h) = (nodes + Int(trees[index + 6].root), nodes + Int(trees[index + 7].root))
      var steps: Int32 = 0
      for place in index..<(index + 8) { steps = max(steps, trees[place].depth) }
      while steps > 0 {
        a += step(a)
        b += step(b)
        c += step(c)
        d += step(d)
        e += step(e)
        f += step(f)
        g += step(g)
        h += step(h)
        steps &-= 1
      }
      // One after the other: another order would round otherwise.
      total = total + a.pointee.value + b.pointee.value + c.pointee.value + d.pointee.value
      total = total + e.pointee.value + f.pointee.value + g.pointee.value + h.pointee.value
      index += 8
    }
    while index < trees.count {
      var node = nodes + Int(trees[index].root)
      for _ in 0..<trees[index].depth { node += step(node) }
      total += node.pointee.value
      index += 1
    }
    return total
  }
}

/// Eight bytes: sixty-four nodes of a tree in eight cache lines.
struct TreeNode: Sendable {
  /// The threshold of a split, the output of a leaf.
  let value: Float
  /// Distance to the left child in nodes (bits 0–15; the right one follows it), feature (16–29), missing goes right (30),
  /// is a split (31).
  private let packed: UInt32

  static let largestDistance = 0xFFFF
  static let largestFeature = 0x3FFF

  static func leaf(_ value: Float) -> TreeNode { TreeNode(value: value, packed: 0) }

  static func split(feature: Int, threshold: Float, leftDistance: Int, missingGoesRight: Bool) -> TreeNode {
    let flags: UInt32 = missingGoesRight ? 0xC000_0000 : 0x8000_0000
    return TreeNode(value: threshold, packed: flags | UInt32(feature) << 16 | UInt32(leftDistance))
  }

  var isSplit: Bool { packed >> 31 == 1 }
  var feature: Int { Int(packed >> 16 & 0x3FFF) }
  var leftDistance: Int { Int(packed & 0xFFFF) }

  /// Distance to the next node on the row's path, without a branch; zero at a leaf.
  @inline(__always)
  func step(_ row: UnsafePointer<Float>) -> Int {
    let x = row[feature]
    let isRight: UInt32 = x >= value ? 1 : 0
    let isMissing: UInt32 = x.isNaN ? 1 : 0
    let right = (isRight | (isMissing & (packed >> 30))) & (packed >> 31)
    return leftDistance &+ Int(right)
  }

  /// The same for a row in which nothing is missing.
  @inline(__always)
  func stepOfWhole(_ row: UnsafePointer<Float>) -> Int {
    let isRight: UInt32 = row[feature] >= value ? 1 : 0
    return leftDistance &+ Int(isRight & (packed >> 31))
  }
}
