package import Dataset
internal import Evaluation
package import Market
internal import Models

/// Walk-forward, choice of the shape, calibration, gate and versions of the tick cadence.
package struct TickTrainingRun {
  private let plan: TickTrainingPlan
  private let dataset: TickDataset
  private let created: Timestamp
  private let codeVersion: String
  private let observe: (TrainingRun.Progress) throws -> Void

  package init(
    _ plan: TickTrainingPlan, dataset: TickDataset, created: Timestamp, codeVersion: String,
    observe: @escaping (TrainingRun.Progress) throws -> Void
  ) {
    self.plan = plan
    self.dataset = dataset
    self.created = created
    self.codeVersion = codeVersion
    self.observe = observe
  }

  /// Writes the judged version and, if the plan says so, its refit into `folder`.
  package func run(writingTo folder: String) throws -> TrainingRun.Result {
    let examples = try TickExamples(dataset, plan: plan)
    let walk = WalkForward(
      foldCount: plan.folds, embargoMinutes: plan.embargoMinutes, initialShare: plan.initialShare)
    let folds = walk.folds(examples.spans)
    guard folds.count >= 2 else { throw TrainingError.tooFewFolds(folds.count) }
    var time = LibraryNanoseconds()
    var outputs: [TickModel.Shape: [Double]] = [:]
    var newest: [TickModel.Shape: FittedTicks] = [:]
    let fits = Double(folds.count * TickModel.Shape.allCases.count + (plan.refits ? 1 : 0))
    for (index, fold) in folds.enumerated() {
      for (place, shape) in TickModel.Shape.allCases.enumerated() {
        let done = Double(index * TickModel.Shape.allCases.count + place)
        let fit = fit("fold \(index + 1) of \(folds.count), \(shape.rawValue)", done / fits, 1 / fits, epochs: nil)
        let fitted = try fit.fit(examples, shape, training: fold.train, walk: walk)
        outputs[shape, default: [Double](repeating: .nan, count: examples.labels.count)]
          .replaceSubrange(fold.test, with: try fitted.outputs(fold.test))
        time.torch += fitted.nanoseconds
        newest[shape] = fitted
      }
    }
    let judged = try TickJudgement(plan, examples, walk: walk, folds: folds, outputs: outputs)
    guard let models = newest[judged.chosen] else { throw TrainingError.tooFewFolds(0) }
    let writer = TickVersionWriter(
      plan: plan, dataset: dataset, examples: examples, judged: judged, created: created, codeVersion: codeVersion,
      folder: folder)
    let name = try writer.write(models, judged.calibration, refitOf: nil)
    var refit: VersionName?
    if plan.refits {
      let fitted = try self.fit("refit", (fits - 1) / fits, 1 / fits, epochs: models.epochs)
        .fit(examples, judged.chosen, training: RangeSet(examples.labels.indices), walk: walk)
      time.torch += fitted.nanoseconds
      let final = try TickCalibration(
        outputs[judged.chosen] ?? [], folds: folds, walk: walk, examples, kind: judged.calibration.kind,
        thinningPoints: plan.thinningPoints)
      refit = try writer.write(fitted, final, refitOf: name)
    }
    return TrainingRun.Result(
      judged: name, refit: refit, report: judged.moves, verdict: judged.verdict, library: time, table: judged.table)
  }

  private func fit(_ name: String, _ start: Double, _ share: Double, epochs: Int?) -> TickFit {
    TickFit(plan: plan, epochs: epochs) { part in
      try observe(TrainingRun.Progress(stage: name, fraction: start + share * min(max(part, 0), 1)))
    }
  }
}
