internal import Dataset
internal import Evaluation
internal import Features
internal import FoundationEssentials
internal import Market
internal import Models

/// Writes what a run of the tick cadence found as version folders, ready to be registered.
struct TickVersionWriter {
  let plan: TickTrainingPlan
  let dataset: TickDataset
  let examples: TickExamples
  let judged: TickJudgement
  let created: Timestamp
  let codeVersion: String
  let folder: String

  func write(
    _ fitted: FittedTicks, _ calibration: TickCalibration, refitOf judgedVersion: VersionName?
  ) throws -> VersionName {
    let isRefit = judgedVersion != nil
    let name = try VersionName(plan.target, created: created, suffix: isRefit ? "-refit" : "")
    let names = TickInputs.names
    let card = VersionCard(
      name: name, created: created, view: examples.view, target: plan.target,
      dataset: provenance(fitted, isRefit: isRefit),
      layout: try InputLayout(
        featureSetHash: TickInputs.hash.description, columnNames: names, modelColumns: Array(names.indices),
        sequenceColumns: []),
      seed: plan.seed, threads: plan.threads, codeVersion: codeVersion,
      isSynthetic: dataset.header.isSynthetic || examples.view.isSimulated, recipe: try recipe(fitted),
      calibratorKinds: [ModelName.mlp.rawValue: calibration.calibrator.kind], scores: judged.scores,
      gate: judged.verdict, judgedVersion: judgedVersion, trainRows: fitted.trainingDecisions, notes: notes)
    try VersionDirectory.write(
      card, calibration: Calibration(mlp: calibration.calibrator, baseRate: 0),
      ticks: TickModel.Facts(
        shape: fitted.shape, intervalMilliseconds: Int(dataset.header.intervalMilliseconds),
        residualDeviation: calibration.residualDeviation),
      files: [
        VersionDirectory.File.weights: try fitted.weights().safetensors,
        "evaluation.json": try VersionWriter.json(["move": judged.moves, "up": judged.chances]),
      ], to: folder + "/" + name.description)
    return name
  }

  private func provenance(_ fitted: FittedTicks, isRefit: Bool) -> VersionCard.Dataset {
    let last = isRefit ? examples.decisions.count - 1 : fitted.trainingDecisions - 1
    return VersionCard.Dataset(
      from: examples.spans.decisionTimes[0], to: examples.spans.labelEnds[last], asOf: created, sha256: dataset.digest,
      rows: dataset.rowCount)
  }

  private func recipe(_ fitted: FittedTicks) throws -> JSONNode {
    struct Recipe: Encodable {
      let plan: TickTrainingPlan
      let shape: TickModel.Shape
      let epochs: Int
    }
    let recipe = Recipe(plan: plan, shape: fitted.shape, epochs: fitted.epochs)
    return try JSONDecoder().decode(JSONNode.self, from: JSONEncoder().encode(recipe))
  }

  private var notes: [String] {
    let header = dataset.header
    return [
      "of \(header.points) moments with trades \(header.incomplete) lacked an input and \(header.unlabelled) have no "
        + "certain outcome",
      "each pass reads one point in \(plan.thinningPoints) at a random phase",
      "the shape was chosen on the fold that judges it, out of two",
      "residual deviation and calibrator come from folds before the judged one; a refit's from all folds",
    ]
  }
}
