package import Market

/// A version ready to predict. Call `observe` with every candle's vector, then `predict` where a decision is due.
///
/// A value: a copy is a checkpoint of the sequence. Neither call allocates.
package struct ModelBundle: Sendable {
  private let loaded: LoadedVersion
  private var sequence: SequenceKernel?
  private var lastMinute: Int64?
  /// Model input, then the latents.
  private var input: [Float]
  /// Scaled values of a step, or of the model input.
  private var scaled: [Float]

  package init(_ directory: VersionDirectory) throws(VersionError) {
    let card = try directory.card()
    let layout = card.layout
    guard !card.target.isOfTicks else {
      throw .mismatch(
        what: "the target", folder: directory.path, expected: "one of the candle cadence", actual: "\(card.target)")
    }
    guard layout.windowExtras.isEmpty != card.target.isWindow else {
      throw .mismatch(
        what: "the number of window extras", folder: directory.path,
        expected: card.target.isWindow ? "above 0 for \(card.target)" : "0", actual: "\(layout.windowExtras.count)")
    }
    var networks = try Networks(directory, card: card)
    sequence = networks.sequence.take()
    loaded = LoadedVersion(card, digest: directory.digest, networks)
    input = [Float](repeating: 0, count: layout.inputCount + Latents.count)
    scaled = [Float](repeating: 0, count: layout.inputCount)
  }

  /// Loads and verifies a version, and refuses one that was made for another view or other features.
  package init(
    path: String, view: MarketView, featureSetHash: String, columnNames: [String]
  ) throws(VersionError) {
    try self.init(try VersionDirectory(verifying: path))
    try card.demand(view, featureSetHash: featureSetHash, columnNames: columnNames, in: path)
  }

  package var card: VersionCard { loaded.card }
  /// SHA-256 over the version's checksums.
  package var digest: String { loaded.digest }
  package var modelNames: [ModelName] { loaded.networks.calibration.modelNames }

  /// Takes the feature vector of the candle that closed at `closeTime`. A minute that does not follow the one before starts
  /// the sequence anew.
  package mutating func observe(_ vector: UnsafeBufferPointer<Float>, closeTime: Timestamp) {
    precondition(vector.count == loaded.card.layout.columnNames.count, "a vector of \(vector.count) columns")
    guard sequence != nil, let scaler = loaded.networks.scaler else { return }
    let minute = closeTime.minute
    if lastMinute != minute - 1 { sequence?.restart() }
    lastMinute = minute
    let sequenceColumns = loaded.sequenceColumns
    for (index, place) in sequenceColumns.enumerated() {
      scaled[index] = scaler.scaled(vector[place.column], column: place.position)
    }
    scaled.withUnsafeBufferPointer { sequence?.push(UnsafeBufferPointer(rebasing: $0[..<sequenceColumns.count])) }
  }

  /// Forgets the sequence.
  package mutating func restart() {
    sequence?.restart()
    lastMinute = nil
  }

  package mutating func observe(_ vector: [Float], closeTime: Timestamp) {
    vector.withUnsafeBufferPointer { observe($0, closeTime: closeTime) }
  }

  /// Answers for the candle that was observed last.
  ///
  /// - Parameters:
  ///   - vector: its feature vector, raw, NaN where a value is missing.
  ///   - window: for window targets, where the window stands.
  package mutating func predict(_ vector: UnsafeBufferPointer<Float>, window: WindowState? = nil) -> Answers {
    precondition(vector.count == loaded.card.layout.columnNames.count, "a vector of \(vector.count) columns")
    var answers = Answers()
    var offset: Float?
    if loaded.card.target.isWindow {
      guard let window else { return abstaining(.noWindow) }
      guard let form = closedForm(vector, window) else { return abstaining(.noVolatility) }
      let extras = loaded.card.layout.windowExtras
      for (index, extra) in extras.enumerated() {
        input[loaded.card.layout.modelColumns.count + index] = form.value(of: extra, window)
      }
      offset = Float(form.logit)
      answers.baseline = ModelAnswer(margin: Float(form.logit), value: form.probability.value)
    } else {
      answers.baseline = baseRateAnswer
    }
    for (index, column) in loaded.card.layout.modelColumns.enumerated() { input[index] = vector[column] }
    scaleInput()
    answerTrees(&answers, offset: offset)
    answerSequence(&answers, offset: offset)
    answerEnsemble(&answers)
    return answers
  }

  package mutating func predict(_ vector: [Float], window: WindowState? = nil) -> Answers {
    vector.withUnsafeBufferPointer { predict($0, window: window) }
  }

  /// The model input, then the latents, that the last prediction read; latents are those of before if B was silent.
  package var lastInput: [Float] { input }

  /// What each input adds to the margin of model A or C in the last prediction, by name, and the model's starting point.
  /// `nil` for other models, and for versions without the model.
  package func contributions(
    of model: ModelName, offset: Float? = nil
  ) -> (inputs: [(name: String, value: Double)], start: Double)? {
    let trees: TreeEnsemble? =
      switch model {
      case .a: loaded.networks.treesA
      case .c: loaded.networks.treesC
      default: nil
      }
    guard let trees else { return nil }
    let values = trees.contributions(input, baseMargin: offset)
    return (zip(loaded.card.layout.inputNames, values.dropLast()).map { ($0, $1) }, values[values.count - 1])
  }

  /// The model columns of a raw vector as the networks see them; `nil` for a version without a scaler.
  package func scaledColumns(_ vector: [Float]) -> [(name: String, value: Float)]? {
    precondition(vector.count == loaded.card.layout.columnNames.count, "a vector of \(vector.count) columns")
    guard let scaler = loaded.networks.scaler else { return nil }
    return loaded.card.layout.modelColumns.enumerated().map { place, column in
      (loaded.card.layout.columnNames[column], scaler.scaled(vector[column], column: place))
    }
  }

  private var baseRateAnswer: ModelAnswer? {
    guard let rate = loaded.networks.calibration.baseRate else { return nil }
    guard loaded.card.target.isBinary else { return ModelAnswer(margin: Float(rate), value: rate) }
    let probability = Probability(clipping: rate)
    return ModelAnswer(margin: Float(probability.logit), value: probability.value)
  }

  private func closedForm(_ vector: UnsafeBufferPointer<Float>, _ window: WindowState) -> ClosedForm? {
    guard let column = loaded.card.layout.volatilityColumn else { return nil }
    return ClosedForm(window, volatility: Double(vector[column]))
  }

  private func abstaining(_ reason: Abstention) -> Answers {
    var answers = Answers()
    answers.abstention = reason
    return answers
  }

  private mutating func scaleInput() {
    guard let scaler = loaded.networks.scaler else { return }
    for index in scaled.indices { scaled[index] = scaler.scaled(input[index], column: index) }
  }

  private func answerTrees(_ answers: inout Answers, offset: Float?) {
    if let trees = loaded.networks.treesA, let calibrator = loaded.networks.calibration.modelA {
      answers.modelA = answer(trees.margin(input, baseMargin: offset), calibrator)
    }
    if let mlp = loaded.networks.mlp, let calibrator = loaded.networks.calibration.mlp {
      answers.mlp = answer(mlp.margin(scaled, offset: offset ?? 0), calibrator)
    }
  }

  private mutating func answerSequence(_ answers: inout Answers, offset: Float?) {
    guard let sequence else { return }
    guard let latents = sequence.run() else {
      answers.abstention = .shortSequence(steps: sequence.stepsSeen, needed: SequenceKernel.stepCount)
      return
    }
    let inputCount = loaded.card.layout.inputCount
    for index in 0..<Latents.count { input[inputCount + index] = latents[index] }
    if let calibrator = loaded.networks.calibration.modelB {
      let margin = scaled.withUnsafeBufferPointer { scaled in
        let extras = UnsafeBufferPointer(rebasing: scaled[(inputCount - sequence.extraCount)...])
        return sequence.margin(latents, extras: extras, offset: offset ?? 0)
      }
      answers.modelB = answer(margin, calibrator)
    }
    if let trees = loaded.networks.treesC, let calibrator = loaded.networks.calibration.modelC {
      answers.modelC = answer(trees.margin(input, baseMargin: offset), calibrator)
    }
  }

  private func answerEnsemble(_ answers: inout Answers) {
    guard let weights = loaded.networks.calibration.ensemble else { return }
    let mean = weights.mean(a: voice(answers.modelA), b: voice(answers.modelB), c: voice(answers.modelC))
    guard let mean else { return }
    let value = loaded.card.target.isBinary ? Probability(logit: mean).value : mean
    answers.ensemble = ModelAnswer(margin: Float(mean), value: value)
  }

  /// What a model brings to the ensemble's mean.
  private func voice(_ answer: ModelAnswer?) -> Double? {
    guard let answer else { return nil }
    return loaded.card.target.isBinary ? Probability(clipping: answer.value).logit : answer.value
  }

  private func answer(_ margin: Float, _ calibrator: Calibrator) -> ModelAnswer {
    let value = loaded.card.target.isBinary ? calibrator.probability(margin: Double(margin)) : Double(margin)
    return ModelAnswer(margin: margin, value: value)
  }
}

/// What prediction does not change of a version; all copies of a bundle share it.
private final class LoadedVersion: Sendable {
  let card: VersionCard
  let digest: String
  let networks: Networks
  let sequenceColumns: [(column: Int, position: Int)]

  init(_ card: VersionCard, digest: String, _ networks: Networks) {
    (self.card, self.digest, self.networks) = (card, digest, networks)
    sequenceColumns = zip(card.layout.sequenceColumns, card.layout.sequencePositions).map { ($0, $1) }
  }
}

/// A version's models, checked against each other.
private struct Networks: Sendable {
  let calibration: Calibration
  var treesA: TreeEnsemble?
  var treesC: TreeEnsemble?
  var sequence: SequenceKernel?
  var mlp: PerceptronKernel?
  var scaler: Scaler?

  init(_ directory: VersionDirectory, card: VersionCard) throws(VersionError) {
    let layout = card.layout
    calibration = try directory.calibration()
    func demand(_ what: String, _ expected: Int, _ actual: Int) throws(VersionError) {
      guard expected == actual else {
        throw .mismatch(what: what, folder: directory.path, expected: "\(expected)", actual: "\(actual)")
      }
    }
    if calibration.modelA != nil {
      let trees = try Self.trees(directory, VersionDirectory.File.treesA)
      try demand("model A's number of inputs", layout.inputCount, trees.featureCount)
      treesA = trees
    }
    if calibration.modelC != nil {
      let trees = try Self.trees(directory, VersionDirectory.File.treesC)
      try demand("model C's number of inputs", layout.inputCount + Latents.count, trees.featureCount)
      treesC = trees
    }
    for trees in [treesA, treesC].compactMap({ $0 }) {
      guard (trees.objective == .logistic) == card.target.isBinary else {
        throw .mismatch(
          what: "the trees' objective", folder: directory.path, expected: "one for \(card.target)",
          actual: trees.objective.rawValue)
      }
      try Self.checkNames(trees, layout, folder: directory.path)
    }
    let needsSequence = calibration.modelB != nil || calibration.modelC != nil
    guard needsSequence || calibration.mlp != nil else { return }
    do {
      let tensors = try Tensors(safetensors: try directory.bytes(of: VersionDirectory.File.weights))
      scaler = try Scaler(tensors: tensors, inputCount: layout.inputCount)
      if needsSequence { sequence = try SequenceKernel(tensors: tensors) }
      if calibration.mlp != nil { mlp = try PerceptronKernel(tensors: tensors) }
    } catch let error as TensorError {
      throw .malformed(
        file: VersionDirectory.File.weights, folder: directory.path, reason: error.description)
    } catch let error as VersionError {
      throw error
    } catch {
      throw .malformed(file: VersionDirectory.File.weights, folder: directory.path, reason: "\(error)")
    }
    if let sequence {
      try demand("the LSTM's number of inputs", layout.sequenceColumns.count, sequence.inputCount)
      try demand("the LSTM head's number of window extras", layout.windowExtras.count, sequence.extraCount)
    }
    if let mlp { try demand("the MLP's number of inputs", layout.inputCount, mlp.inputCount) }
  }

  /// Trees that carry names must carry the layout's.
  private static func checkNames(_ trees: TreeEnsemble, _ layout: InputLayout, folder: String) throws(VersionError) {
    guard !trees.featureNames.isEmpty else { return }
    for (expected, actual) in zip(layout.inputNames, trees.featureNames) where expected != actual {
      throw .mismatch(what: "an input of the trees", folder: folder, expected: expected, actual: actual)
    }
  }

  private static func trees(_ directory: VersionDirectory, _ file: String) throws(VersionError) -> TreeEnsemble {
    let bytes = try directory.bytes(of: file)
    do {
      return try TreeEnsemble(json: bytes)
    } catch {
      throw .malformed(file: file, folder: directory.path, reason: error.description)
    }
  }
}

extension Calibration {
  package var modelNames: [ModelName] {
    var names: [ModelName] = []
    if modelA != nil { names.append(.a) }
    if modelB != nil { names.append(.b) }
    if modelC != nil { names.append(.c) }
    if mlp != nil { names.append(.mlp) }
    if ensemble != nil { names.append(.ensemble) }
    return names
  }
}
