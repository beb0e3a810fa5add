internal import Glibc

extension TreeEnsemble {
  static let largestTreeCount = 100_000
  static let largestNodeCount = TreeNode.largestDistance
  static let largestDepth = 64

  /// Reads the JSON that XGBoost 3.x saves. Trusts nothing in it: sizes, indices and values are checked.
  package init(json: [UInt8]) throws(TreeModelError) {
    let document = try TreeDocument(json: json)
    self = try document.ensemble()
  }
}

/// What is taken from the file, unchecked beyond its shape.
private struct TreeDocument {
  var booster: String?
  var objective: String?
  var baseScore: String?
  var featureCount: String?
  var classCount = "0"
  var targetCount = "1"
  var featureNames: [String] = []
  var trees: [RawTree] = []

  init(json: [UInt8]) throws(TreeModelError) {
    var reader = JSONReader(json)
    do {
      try reader.object { reader, key in
        if key == "learner" { try readLearner(&reader) } else { try reader.skipValue() }
      }
      try reader.expectEnd()
    } catch let failure as JSONReader.Failure {
      throw .malformed(byteOffset: failure.offset, expected: failure.expected)
    } catch {
      throw .unsupported("\(error)")
    }
  }

  private mutating func readLearner(_ reader: inout JSONReader) throws {
    try reader.object { reader, key in
      switch key {
      case "learner_model_param": try readParameters(&reader)
      case "gradient_booster": try readBooster(&reader)
      case "feature_names": featureNames = try Self.names(&reader)
      case "objective":
        try reader.object { reader, key in
          if key == "name" { objective = try reader.string() } else { try reader.skipValue() }
        }
      default: try reader.skipValue()
      }
    }
  }

  private static func names(_ reader: inout JSONReader) throws -> [String] {
    var names: [String] = []
    try reader.array { reader in
      guard names.count <= TreeNode.largestFeature else { throw reader.failure("fewer names") }
      names.append(try reader.string())
    }
    return names
  }

  private mutating func readParameters(_ reader: inout JSONReader) throws {
    try reader.object { reader, key in
      switch key {
      case "base_score": baseScore = try reader.string()
      case "num_feature": featureCount = try reader.string()
      case "num_class": classCount = try reader.string()
      case "num_target": targetCount = try reader.string()
      default: try reader.skipValue()
      }
    }
  }

  private mutating func readBooster(_ reader: inout JSONReader) throws {
    try reader.object { reader, key in
      switch key {
      case "name": booster = try reader.string()
      case "model":
        try reader.object { reader, key in
          if key == "trees" { try readTrees(&reader) } else { try reader.skipValue() }
        }
      default: try reader.skipValue()
      }
    }
  }

  private mutating func readTrees(_ reader: inout JSONReader) throws {
    try reader.array { reader in
      guard trees.count < TreeEnsemble.largestTreeCount else {
        throw reader.failure("at most \(TreeEnsemble.largestTreeCount) trees")
      }
      trees.append(try RawTree(&reader))
    }
  }

  func ensemble() throws(TreeModelError) -> TreeEnsemble {
    guard booster == "gbtree" else { throw .unsupported("the booster “\(booster ?? "none")”") }
    guard let name = objective else { throw .missing(key: "objective") }
    guard let objective = TreeEnsemble.Objective(rawValue: name) else { throw .unsupported("the objective “\(name)”") }
    guard ["0", "1"].contains(classCount), targetCount == "1" else { throw .unsupported("several outputs") }
    guard let features = featureCount.flatMap({ Int($0) }), features >= 1 else { throw .missing(key: "num_feature") }
    guard features <= TreeNode.largestFeature + 1 else { throw .unsupported("\(features) features") }
    guard featureNames.isEmpty || featureNames.count == features else { throw .missing(key: "feature_names") }

    var layout = TreeLayout(featureCount: features)
    for (index, tree) in trees.enumerated() { try layout.append(tree, index: index) }
    return TreeEnsemble(
      objective: objective, featureCount: features, baseMargin: try baseMargin(objective), featureNames: featureNames,
      nodes: layout.nodes, trees: layout.trees, covers: layout.covers)
  }

  /// XGBoost 3 writes the score as `[5E-1]`, earlier ones as `5E-1`; for the logistic objective it is a probability.
  private func baseMargin(_ objective: TreeEnsemble.Objective) throws(TreeModelError) -> Float {
    guard var text = baseScore?[...] else { throw .missing(key: "base_score") }
    if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
    guard let score = Float(text), score.isFinite else { throw .missing(key: "base_score") }
    guard objective == .logistic else { return score }
    guard score > 0, score < 1 else { throw .missing(key: "base_score") }
    return -logf(1 / score - 1)
  }
}

/// The arrays of one tree as the file has them.
private struct RawTree {
  var left: [Int32] = []
  var right: [Int32] = []
  var features: [Int32] = []
  var values: [Float] = []
  var missingGoesLeft: [Int32] = []
  var splitTypes: [Int32] = []
  var covers: [Float] = []

  init(_ reader: inout JSONReader) throws {
    let limit = TreeEnsemble.largestNodeCount
    try reader.object { reader, key in
      switch key {
      case "left_children": left = try reader.integers(atMost: limit)
      case "right_children": right = try reader.integers(atMost: limit)
      case "split_indices": features = try reader.integers(atMost: limit)
      case "split_conditions": values = try reader.floats(atMost: limit)
      case "default_left": missingGoesLeft = try reader.integers(atMost: limit)
      case "split_type": splitTypes = try reader.integers(atMost: limit)
      case "sum_hessian": covers = try reader.floats(atMost: limit)
      default: try reader.skipValue()
      }
    }
  }

  var isConsistent: Bool {
    let count = left.count
    return count > 0 && right.count == count && features.count == count && values.count == count
      && missingGoesLeft.count == count && splitTypes.count == count && covers.count == count
  }
}

/// Renumbers each tree breadth first, so that siblings lie side by side and the top of a tree shares cache lines.
private struct TreeLayout {
  let featureCount: Int
  var nodes: [TreeNode] = []
  var covers: [Float] = []
  var trees: [TreeEnsemble.Tree] = []

  init(featureCount: Int) { self.featureCount = featureCount }

  mutating func append(_ tree: RawTree, index: Int) throws(TreeModelError) {
    guard tree.isConsistent else { throw .invalid(tree: index, node: 0, reason: "its arrays differ in length") }
    guard let root = Int32(exactly: nodes.count) else { throw .unsupported("so many nodes") }
    var queue: [(source: Int, depth: Int32)] = [(0, 0)]
    var position = 0
    while position < queue.count {
      let (source, depth) = queue[position]
      guard let children = try children(of: source, in: tree, index: index) else {
        nodes.append(.leaf(tree.values[source]))
        position += 1
        continue
      }
      guard queue.count + 2 <= tree.left.count, depth < TreeEnsemble.largestDepth else {
        throw .invalid(tree: index, node: source, reason: "a cycle, or deeper than \(TreeEnsemble.largestDepth)")
      }
      nodes.append(
        .split(
          feature: Int(tree.features[source]), threshold: tree.values[source], leftDistance: queue.count - position,
          missingGoesRight: tree.missingGoesLeft[source] == 0))
      queue.append((children.left, depth + 1))
      queue.append((children.right, depth + 1))
      position += 1
    }
    covers += queue.map { tree.covers[$0.source] }
    trees.append(TreeEnsemble.Tree(root: root, depth: queue.last?.depth ?? 0))
  }

  /// Checks a node; `nil` for a leaf.
  private func children(
    of node: Int, in tree: RawTree, index: Int
  ) throws(TreeModelError) -> (left: Int, right: Int)? {
    func refuse(_ reason: String) -> TreeModelError { .invalid(tree: index, node: node, reason: reason) }
    guard tree.values[node].isFinite, tree.covers[node].isFinite, tree.covers[node] >= 0 else {
      throw refuse("a value is not finite, or its weight is negative")
    }
    let (left, right) = (Int(tree.left[node]), Int(tree.right[node]))
    if left == -1, right == -1 { return nil }
    let range = 1..<max(1, tree.left.count)
    guard range.contains(left), range.contains(right), left != right else { throw refuse("no such child") }
    guard tree.splitTypes[node] == 0 else { throw .unsupported("categorical splits") }
    guard (0..<featureCount).contains(Int(tree.features[node])) else { throw refuse("no such feature") }
    return (left, right)
  }
}
