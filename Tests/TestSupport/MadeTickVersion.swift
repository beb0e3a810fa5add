package import Market
package import Models

/// A version of the tick cadence with random weights.
package struct MadeTickVersion {
  package var shape: TickModel.Shape
  package var name: String
  package var view: MarketView
  package var inputsHash: String
  package var inputNames: [String]
  package var residualDeviation: Double
  package var calibrator: Calibrator
  package var isSynthetic: Bool
  package var gate: GateVerdict

  package init(
    shape: TickModel.Shape = .point, name: String = "move-60s-1", view: MarketView = MadeVersion.view,
    inputsHash: String = "cafe", inputNames: [String] = (0..<12).map { "input_\($0)" }, residualDeviation: Double = 4,
    calibrator: Calibrator = .platt(slope: 0.9, intercept: 0.01), isSynthetic: Bool = false,
    gate: GateVerdict = GateVerdict(isPassed: true, reason: "skill above zero")
  ) {
    self.shape = shape
    self.name = name
    self.view = view
    self.inputsHash = inputsHash
    self.inputNames = inputNames
    self.residualDeviation = residualDeviation
    self.calibrator = calibrator
    self.isSynthetic = isSynthetic
    self.gate = gate
  }

  package func card() throws -> VersionCard {
    let start = Timestamp("2024-01-01")!
    return VersionCard(
      name: VersionName(name)!, created: start, view: view, target: .move(horizonSeconds: 60),
      dataset: .init(from: start, to: start.adding(minutes: 1000), asOf: start, sha256: "00", rows: 1000),
      layout: try InputLayout(
        featureSetHash: inputsHash, columnNames: inputNames, modelColumns: Array(inputNames.indices),
        sequenceColumns: []),
      seed: 1, threads: 1, codeVersion: "1", isSynthetic: isSynthetic, recipe: [:], calibratorKinds: ["MLP": "platt"],
      scores: [:], gate: gate, trainRows: 900)
  }

  package var facts: TickModel.Facts {
    TickModel.Facts(shape: shape, intervalMilliseconds: 1500, residualDeviation: residualDeviation)
  }

  package var tensors: Tensors {
    var tensors = Tensors()
    var generator = SplitMix64(seed: 100)
    let inputs = shape.pointCount * inputNames.count
    for (layer, (rows, columns)) in [(64, inputs), (32, 64), (16, 32), (1, 16)].enumerated() {
      for (part, sides, size) in [("weight", [rows, columns], Float(0.3)), ("bias", [rows], 0.1)] {
        let values = (0..<sides.reduce(1, *)).map { _ in Float.random(in: -size...size, using: &generator) }
        tensors["mlp.\(layer).\(part)"] = Tensors.Tensor(shape: sides, values: values)
      }
    }
    let count = inputNames.count
    tensors["scaler.mean"] = Tensors.Tensor(shape: [count], values: (0..<count).map { Float($0) / 10 })
    tensors["scaler.scale"] = Tensors.Tensor(shape: [count], values: [Float](repeating: 0.7, count: count))
    return tensors
  }

  package var calibration: Calibration { Calibration(mlp: calibrator) }

  /// The folder of the version.
  @discardableResult
  package func write(in folder: String) throws -> String {
    let path = "\(folder)/\(name)"
    try VersionDirectory.write(
      try card(), calibration: calibration, ticks: facts,
      files: [VersionDirectory.File.weights: tensors.safetensors], to: path)
    return path
  }
}
