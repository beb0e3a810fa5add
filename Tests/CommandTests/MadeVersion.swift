import Features
import Market
import Models

/// A version for the candles' features with random weights: trees, a recurrent net, and an ensemble of both.
struct MadeVersion {
  var target = PredictionTarget.direction(horizonMinutes: 15)
  var trainedUntil = RandomRecords.start
  static let view = MarketView(price: Series(.binance, .btcusdt))

  private var layout: InputLayout {
    get throws {
      let set = FeatureSet.candles
      return try InputLayout(
        featureSetHash: set.hash.description, columnNames: set.names,
        modelColumns: set.modelColumns.map { set.names[$0] },
        sequenceColumns: set.sequenceColumns.map { set.names[$0] },
        target: target, volatilityColumn: "volatility_30")
    }
  }

  private var card: VersionCard {
    get throws {
      try VersionCard(
        name: VersionName("made-\(target)") ?? { throw Missing() }(), created: trainedUntil, view: Self.view,
        target: target,
        dataset: .init(
          from: trainedUntil.adding(minutes: -1000), to: trainedUntil, asOf: trainedUntil, sha256: "00", rows: 1000),
        layout: layout, seed: 1, threads: 1, codeVersion: "1", isSynthetic: false, recipe: [:], calibratorKinds: [:],
        scores: [:], gate: GateVerdict(isPassed: false, reason: "random weights"), trainRows: 900)
    }
  }

  private struct Missing: Error {}

  @discardableResult
  func write(to path: String) throws -> VersionDirectory {
    let layout = try layout
    let calibration = Calibration(
      modelA: .platt(slope: 0.9, intercept: 0.01), modelB: .identity, ensemble: EnsembleWeights(a: 0.5, b: 0.5, c: 0),
      baseRate: 0.51)
    let files = [
      VersionDirectory.File.treesA: trees(features: layout.inputCount),
      VersionDirectory.File.weights: try tensors(layout).safetensors,
    ]
    return try VersionDirectory.write(try card, calibration: calibration, files: files, to: path)
  }

  private func tensors(_ layout: InputLayout) throws -> Tensors {
    var generator = SplitMix64(seed: 11)
    var tensors = Tensors()
    func add(_ name: String, _ shape: [Int]) {
      let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -0.3...0.3, using: &generator) }
      tensors[name] = Tensors.Tensor(shape: shape, values: values)
    }
    add("lstm.weight_ih", [128, layout.sequenceColumns.count])
    add("lstm.weight_hh", [128, 32])
    add("lstm.bias", [128])
    add("lstm.head.weight", [1, 32 + layout.windowExtras.count])
    add("lstm.head.bias", [1])
    add("scaler.mean", [layout.inputCount])
    tensors["scaler.scale"] = Tensors.Tensor(
      shape: [layout.inputCount], values: [Float](repeating: 0.7, count: layout.inputCount))
    return tensors
  }

  /// Stumps on the first ten inputs.
  private func trees(features: Int) -> [UInt8] {
    let trees = (0..<10).map { column in
      """
      {"base_weights":[0,0.05,-0.0\(column + 1)],"categories":[],"default_left":[1,0,0],"left_children":[1,-1,-1],
      "loss_changes":[0,0,0],"parents":[0,0,0],"right_children":[2,-1,-1],
      "split_conditions":[0.1,0.05,-0.0\(column + 1)],"split_indices":[\(column),0,0],"split_type":[0,0,0],
      "sum_hessian":[30,10,20],"tree_param":{"num_nodes":"3"}}
      """
    }
    return Array(
      """
      {"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{
      "tree_info":[],"trees":[\(trees.joined(separator: ","))]},"name":"gbtree"},
      "learner_model_param":{"base_score":"[5E-1]","num_class":"0","num_feature":"\(features)","num_target":"1"},
      "objective":{"name":"binary:logistic"}},"version":[3,2,0]}
      """.utf8)
  }
}
