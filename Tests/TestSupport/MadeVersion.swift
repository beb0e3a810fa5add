package import Market
package import Models

/// Versions with random weights of a realistic size, for tests that need all models to fit together.
package struct MadeVersion {
  package var target: PredictionTarget
  package var name: String
  package var view: MarketView
  package var columns: Columns
  package var treeCount: Int
  package var depth: Int
  package var isSynthetic: Bool
  package var gate: GateVerdict

  package static let view = MarketView(price: Series(.binance, .btcusdt))

  /// The feature set that a version is made for.
  package struct Columns {
    package var hash: String
    /// With `volatility_30` among them.
    package var names: [String]
    package var model: [String]
    package var sequence: [String]

    package init(hash: String, names: [String], model: [String], sequence: [String]) {
      (self.hash, self.names, self.model, self.sequence) = (hash, names, model, sequence)
    }

    /// Eighty columns without a meaning but the last.
    package static var eighty: Columns {
      let names = (0..<79).map { "column_\($0)" } + ["volatility_30"]
      return Columns(hash: "cafe", names: names, model: Array(names.dropFirst(5)), sequence: Array(names[10..<28]))
    }
  }

  package init(
    target: PredictionTarget = .window(lengthMinutes: 15), name: String = "20240101-1",
    view: MarketView = MadeVersion.view, columns: Columns = .eighty,
    treeCount: Int = 12, depth: Int = 4, isSynthetic: Bool = false,
    gate: GateVerdict = GateVerdict(isPassed: true, reason: "skill above zero")
  ) {
    self.target = target
    self.name = name
    self.view = view
    self.columns = columns
    self.treeCount = treeCount
    self.depth = depth
    self.isSynthetic = isSynthetic
    self.gate = gate
  }

  package var columnNames: [String] { columns.names }

  package func layout() throws -> InputLayout {
    try InputLayout(
      featureSetHash: columns.hash, columnNames: columns.names, modelColumns: columns.model,
      sequenceColumns: columns.sequence, target: target, volatilityColumn: "volatility_30")
  }

  package func card() throws -> VersionCard {
    let start = Timestamp("2023-02-01")!
    return VersionCard(
      name: VersionName(name)!, created: Timestamp("2024-01-01T00:00:01.5Z")!, view: view, target: target,
      dataset: .init(from: start, to: start.adding(minutes: 1000), asOf: start, sha256: "00", rows: 1000),
      layout: try layout(), seed: .max, threads: 2, codeVersion: "1", isSynthetic: isSynthetic,
      recipe: ["rounds": 400, "learningRate": 0.05, "kinds": ["a", nil, true]],
      calibratorKinds: ["ModelA": "platt"],
      scores: ["pooled": ["ModelA": ["log_loss": Estimate(0.69, low: 0.68, high: 0.7)]]], gate: gate, trainRows: 900)
  }

  package var calibration: Calibration {
    Calibration(
      modelA: .platt(slope: 0.9, intercept: 0.01), modelB: .identity, modelC: .beta(a: 1, b: 0.9, c: 0),
      mlp: .isotonic(Calibrator.Points(margins: [-2, 0, 2], probabilities: [0.1, 0.5, 0.9])!),
      ensemble: EnsembleWeights(a: 0.5, b: 0.25, c: 0.25), baseRate: 0.51)
  }

  package func tensors() throws -> Tensors {
    let inputs = try layout().inputCount
    let extras = try layout().windowExtras.count
    var tensors = Tensors()
    var generator = SplitMix64(seed: 100)
    func add(_ name: String, _ shape: [Int], size: Float) {
      let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -size...size, using: &generator) }
      tensors[name] = Tensors.Tensor(shape: shape, values: values)
    }
    add("lstm.weight_ih", [128, columns.sequence.count], size: 0.4)
    add("lstm.weight_hh", [128, 32], size: 0.4)
    add("lstm.bias", [128], size: 1)
    add("lstm.head.weight", [1, 32 + extras], size: 0.5)
    add("lstm.head.bias", [1], size: 0.1)
    for (layer, (rows, columns)) in [(64, inputs), (32, 64), (16, 32), (1, 16)].enumerated() {
      add("mlp.\(layer).weight", [rows, columns], size: 0.3)
      add("mlp.\(layer).bias", [rows], size: 0.1)
    }
    add("scaler.mean", [inputs], size: 0.5)
    tensors["scaler.scale"] = Tensors.Tensor(shape: [inputs], values: [Float](repeating: 0.7, count: inputs))
    return tensors
  }

  package func files() throws -> [String: [UInt8]] {
    let inputs = try layout().inputCount
    return [
      VersionDirectory.File.treesA: Self.trees(
        features: inputs, count: treeCount, depth: depth, seed: 7, isLogistic: target.isBinary),
      VersionDirectory.File.treesC: Self.trees(
        features: inputs + 32, count: treeCount, depth: depth, seed: 8, isLogistic: target.isBinary),
      VersionDirectory.File.weights: try tensors().safetensors,
    ]
  }

  @discardableResult
  package func write(in folder: String) throws -> String {
    let path = "\(folder)/\(name)"
    try VersionDirectory.write(try card(), calibration: calibration, files: try files(), to: path)
    return path
  }

  package func vector(_ generator: inout SplitMix64) -> [Float] {
    columns.names.map { name in
      if name == "volatility_30" { return 0.0006 }
      return Int.random(in: 0..<16, using: &generator) == 0 ? .nan : .random(in: -4...4, using: &generator)
    }
  }

  /// Full trees of random splits, as XGBoost writes them.
  package static func trees(features: Int, count: Int, depth: Int, seed: UInt64, isLogistic: Bool = true) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    let trees = (0..<count).map { _ in tree(features: features, depth: depth, &generator) }
    return Array(
      """
      {"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{
      "tree_info":[],"trees":[\(trees.joined(separator: ","))]},"name":"gbtree"},
      "learner_model_param":{"base_score":"[5E-1]","num_class":"0","num_feature":"\(features)","num_target":"1"},
      "objective":{"name":"\(isLogistic ? "binary:logistic" : "reg:squarederror")"}},"version":[3,2,0]}
      """.utf8)
  }

  private static func tree(features: Int, depth: Int, _ generator: inout SplitMix64) -> String {
    let splits = (1 << depth) - 1
    let nodes = 2 * splits + 1
    func list(_ value: (Int) -> Any) -> String { (0..<nodes).map { "\(value($0))" }.joined(separator: ",") }
    let values = (0..<nodes).map { node in
      Float.random(in: -1...1, using: &generator) * (node < splits ? 2 : 0.04)
    }
    let columns = (0..<nodes).map { _ in Int.random(in: 0..<features, using: &generator) }
    return """
      {"base_weights":[\(list { values[$0] })],"categories":[],"default_left":[\(list { $0 % 2 })],
      "left_children":[\(list { $0 < splits ? 2 * $0 + 1 : -1 })],
      "loss_changes":[\(list { _ in "0E0" })],"parents":[\(list { max(0, $0 - 1) / 2 })],
      "right_children":[\(list { $0 < splits ? 2 * $0 + 2 : -1 })],"split_conditions":[\(list { values[$0] })],
      "split_indices":[\(list { columns[$0] })],"split_type":[\(list { _ in 0 })],
      "sum_hessian":[\(list { nodes - $0 })],"tree_param":{"num_nodes":"\(nodes)"}}
      """
  }
}
