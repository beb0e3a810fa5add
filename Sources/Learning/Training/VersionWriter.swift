internal import Dataset
internal import Evaluation
internal import Features
internal import FoundationEssentials
internal import Market
internal import Models

/// Writes what a run found as version folders, ready to be registered.
struct VersionWriter {
  let plan: TrainingPlan
  let dataset: Dataset
  let examples: Examples
  let created: Timestamp
  let codeVersion: String
  let report: EvaluationReport
  let verdict: GateVerdict
  let folder: String

  func write(
    _ models: FittedModels, _ calibrated: CalibratedModels, suffix: String, judgedVersion: VersionName?,
    agreement: [String: Double]?
  ) throws -> VersionName {
    let name = try VersionName(plan.target, created: created, suffix: suffix)
    let card = VersionCard(
      name: name, created: created, view: examples.view,
      target: plan.target, dataset: provenance(models, isRefit: judgedVersion != nil), layout: models.layout,
      seed: plan.seed, threads: plan.threads, codeVersion: codeVersion,
      isSynthetic: dataset.header.isSynthetic || examples.view.isSimulated,
      recipe: try recipe(models.sizes), calibratorKinds: calibrated.kinds, scores: scores,
      gate: verdict,
      judgedVersion: judgedVersion, agreement: agreement, trainRows: models.trainingDecisions, notes: notes)
    var files: [String: [UInt8]] = [
      VersionDirectory.File.treesA: try models.a.json(), VersionDirectory.File.treesC: try models.c.json(),
      VersionDirectory.File.weights: try weights(models).safetensors, "evaluation.json": try Self.json(report),
    ]
    if let baselines = models.baselines { files[TrainedBaselines.fileName] = try Self.json(baselines) }
    try VersionDirectory.write(
      card, calibration: calibrated.calibration, files: files, to: folder + "/" + name.description)
    return name
  }

  /// Without the refit the last fold's test was not trained on.
  private func provenance(_ models: FittedModels, isRefit: Bool) -> VersionCard.Dataset {
    let last = isRefit ? examples.decisions.count - 1 : models.trainingDecisions - 1
    return VersionCard.Dataset(
      from: examples.spans.decisionTimes[0], to: examples.spans.labelEnds[last],
      asOf: dataset.header.asOfMicroseconds.map(Timestamp.init(microseconds:)) ?? created, sha256: dataset.digest,
      rows: dataset.rowCount)
  }

  private func weights(_ models: FittedModels) throws -> Tensors {
    var tensors = try Tensors(models.sequence.merging(models.perceptron) { first, _ in first })
    let count = models.standardisation.mean.count
    tensors["scaler.mean"] = Tensors.Tensor(shape: [count], values: models.standardisation.mean)
    tensors["scaler.scale"] = Tensors.Tensor(shape: [count], values: models.standardisation.scale)
    return tensors
  }

  private func recipe(_ sizes: FittedSizes) throws -> JSONNode {
    struct Recipe: Encodable {
      let plan: TrainingPlan
      let sizes: FittedSizes
    }
    return try JSONDecoder().decode(JSONNode.self, from: JSONEncoder().encode(Recipe(plan: plan, sizes: sizes)))
  }

  private var notes: [String] {
    [
      "sequences and perceptron rows are thinned to one in \(plan.thinningMinutes) minutes at a random phase each epoch",
      "calibrators and ensemble weights come from folds before the judged one; a refit's from all folds",
    ]
  }

  private var scores: [String: [String: [String: Estimate]]] {
    var scores: [String: [String: [String: Estimate]]] = [:]
    for judge in report.judges {
      scores["pooled", default: [:]][judge.name] = Self.figures(judge.pooled)
      for (index, fold) in judge.folds.enumerated() {
        scores["fold-\(index + 2)", default: [:]][judge.name] = Self.figures(fold)
      }
    }
    return scores
  }

  static func figures(_ metrics: MetricSet) -> [String: Estimate] {
    var figures: [String: Estimate] = [:]
    if let probability = metrics.probability {
      figures = [
        "log_loss": probability.logLoss, "brier": probability.brier, "auc": probability.auc,
        "accuracy": probability.accuracy, "ece": probability.calibrationError,
      ]
    }
    if let change = metrics.change {
      figures = ["rmse": change.rootMeanSquaredError, "mae": change.meanAbsoluteError, "accuracy": change.signAccuracy]
    }
    return figures
  }

  static func json(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    return [UInt8](try encoder.encode(value))
  }
}

extension Tensors {
  init(_ tensors: [String: Learning.Tensor]) throws {
    self.init()
    for (name, tensor) in tensors { self[name] = Tensors.Tensor(shape: tensor.shape, values: tensor.values) }
  }
}

extension VersionName {
  /// Such as `direction-15m-20240501t120000z`.
  init(_ target: PredictionTarget, created: Timestamp, suffix: String) throws {
    let second = Timestamp(microseconds: created.microseconds / 1_000_000 * 1_000_000)
    let stamp = second.description.lowercased().filter { $0.isLetter || $0.isNumber }
    guard let name = VersionName("\(target)-\(stamp)\(suffix)") else { throw TrainingError.badView(stamp) }
    self = name
  }
}
