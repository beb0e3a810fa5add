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
        return Self.sum(from: baseMargin ?? self.baseMargin, nodes: nodes, trees: trees, row: row)
      }
    }
  }

  package func margin(_ features: [Float], baseMargin: Float? = nil) -> Float {
    features.withUnsafeBufferPointer { margin($0, baseMargin: baseMargin) }
  }

  /// Walks four trees at a time: the loads of one hide the latency of the others. Leaves lead to themselves, so trees of
  /// unequal depth walk together.
  private static func sum(
    from base: Float, nodes: UnsafePointer<TreeNode>, trees: UnsafeBufferPointer<Tree>, row: UnsafePointer<Float>
  ) -> Float {
    var total = base
    var index = 0
    while index + 4 <= trees.count {
      var a = nodes + Int(trees[index].root)
      var b = nodes + Int(trees[index + 1].root)
      var c = nodes + Int(trees[index + 2].root)
      var d = nodes + Int(trees[index + 3].root)
      var steps = max(
        max(trees[index].depth, trees[index + 1].depth), max(trees[index + 2].depth, trees[index + 3].depth))
      while steps > 0 {
        a += a.pointee.step(row)
        b += b.pointee.step(row)
        c += c.pointee.step(row)
        d += d.pointee.step(row)
        steps &-= 1
      }
      total += a.pointee.value
      total += b.pointee.value
      total += c.pointee.value
      total += d.pointee.value
      index += 4
    }
    while index < trees.count {
      var node = nodes + Int(trees[index].root)
      for _ in 0..<trees[index].depth { node += node.pointee.step(row) }
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
}
