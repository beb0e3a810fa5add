package import Dataset
package import Evaluation
internal import FoundationEssentials
package import Market
package import Models

/// Walk-forward, calibration, gate and versions of one target: from a dataset to finished version folders.
package struct TrainingRun {
  package struct Progress: Sendable {
    /// Such as `fold 2 of 5, ModelB`.
    package let stage: String
    /// 0–1 of the whole run.
    package let fraction: Double
  }

  package struct Result: Sendable {
    package let judged: VersionName
    package let refit: VersionName?
    package let report: EvaluationReport
    package let verdict: GateVerdict
    package let library: LibraryNanoseconds
    /// What is printed of the report.
    package let table: String
  }

  private let plan: TrainingPlan
  private let dataset: Dataset
  private let created: Timestamp
  private let codeVersion: String
  private let observe: (Progress) throws -> Void

  package init(
    _ plan: TrainingPlan, dataset: Dataset, created: Timestamp, codeVersion: String,
    observe: @escaping (Progress) throws -> Void
  ) {
    self.plan = plan
    self.dataset = dataset
    self.created = created
    self.codeVersion = codeVersion
    self.observe = observe
  }

  /// Writes the judged version and, if the plan says so, its refit into `folder`.
  package func run(writingTo folder: String) throws -> Result {
    var examples = try Examples(dataset, plan: plan)
    let walk = WalkForward(
      foldCount: plan.folds, embargoMinutes: plan.embargoMinutes, initialShare: plan.initialShare)
    let folds = walk.folds(examples.spans)
    guard folds.count >= 2 else { throw TrainingError.tooFewFolds(folds.count) }
    let shares = workShares(folds, total: examples.decisions.count)

    var outOfFold = OutOfFold(count: examples.decisions.count)
    var judged: FittedModels?
    var time = LibraryNanoseconds()
    for (index, fold) in folds.enumerated() {
      let fit = foldFit("fold \(index + 1) of \(folds.count)", shares[index], sizes: nil)
      let (models, scaled) = try fit.fit(&examples, training: fold.train, walk: walk)
      outOfFold.set(try models.margins(examples, scaled, decisions: fold.test), at: fold.test)
      outOfFold.set(baselines: baselines(models, examples, fold), at: fold.test)
      time += models.time
      judged = models
    }
    guard let judged else { throw TrainingError.tooFewFolds(0) }

    let (judgement, calibrated) = judge(outOfFold, folds, walk, examples, judged)
    let report = judgement.report()
    guard let verdict = judgement.verdict(on: ModelName.ensemble.rawValue, fold: judgement.folds.count - 1) else {
      throw TrainingError.tooFewFolds(folds.count)
    }
    let writer = VersionWriter(
      plan: plan, dataset: dataset, examples: examples, created: created, codeVersion: codeVersion, report: report,
      verdict: verdict, folder: folder)
    let judgedName = try writer.write(judged, calibrated, suffix: "", judgedVersion: nil, agreement: nil)
    var refitName: VersionName?
    if plan.refits {
      let all = RangeSet(examples.decisions.indices)
      let (models, scaled) = try foldFit("refit", shares[folds.count], sizes: judged.sizes)
        .fit(&examples, training: all, walk: walk)
      time += models.time
      let final = CalibratedModels(
        outOfFold.margins, folds: folds, walk: walk, examples: examples, kinds: calibrated.kindsChosen,
        thinningMinutes: plan.thinningMinutes,
        baseRate: models.baseRate)
      let last = folds[folds.count - 1].test
      let agreement = agreement(
        calibrated.answers(outOfFold.margins, decisions: last, isBinary: plan.target.isBinary),
        final.answers(
          OutOfFold(count: examples.decisions.count, try models.margins(examples, scaled, decisions: last), at: last)
            .margins,
          decisions: last, isBinary: plan.target.isBinary))
      refitName = try writer.write(models, final, suffix: "-refit", judgedVersion: judgedName, agreement: agreement)
    }
    return Result(
      judged: judgedName, refit: refitName, report: report, verdict: verdict, library: time, table: report.table)
  }

  /// The kinds that the plan says; empty where they are to be chosen.
  private var plannedKinds: [ModelName: CalibratorFit.Kind] {
    guard let kind = plan.calibratorKind.flatMap(CalibratorFit.Kind.init(rawValue:)) else { return [:] }
    return Self.all(kind)
  }

  private static func all(_ kind: CalibratorFit.Kind) -> [ModelName: CalibratorFit.Kind] {
    Dictionary(uniqueKeysWithValues: CalibratedModels.calibrated.map { ($0, kind) })
  }

  private func foldFit(_ name: String, _ share: Range<Double>, sizes: FittedSizes?) -> FoldFit {
    var done = StageShares()
    return FoldFit(plan: plan, sizes: sizes) { stage, fraction in
      done.set(stage, fraction)
      let position = done.total
      try observe(
        Progress(
          stage: "\(name), \(stage)", fraction: share.lowerBound + position * (share.upperBound - share.lowerBound)))
    }
  }

  /// Which part of the whole run each fold's fit takes, the refit last: fits cost what they read.
  private func workShares(_ folds: [Fold], total: Int) -> [Range<Double>] {
    let costs = folds.map { Double($0.train.rowCount) } + [plan.refits ? Double(total) : 0]
    let sum = costs.reduce(0, +)
    var shares: [Range<Double>] = []
    var done = 0.0
    for cost in costs {
      shares.append(done / sum..<(done + cost) / sum)
      done += cost
    }
    return shares
  }

  private func baselines(_ models: FittedModels, _ examples: Examples, _ fold: Fold) -> [String: [Double]] {
    guard plan.target.isBinary else {
      let all = examples.decisions.indices
      return [
        "no_change": fold.test.map { _ in 0 },
        "mean_change": Array(
          ExpandingMean.answers(examples.spans, labels: examples.decisionLabels(all), prior: .noChange)[fold.test]),
      ]
    }
    return models.baselineProbabilities(examples, decisions: fold.test)
  }

  /// Judges every fold but the first with calibrators and weights of the folds before it. The calibration returned is
  /// the last fold's, which is the one that is served; only for it the kinds of calibrators are compared.
  private func judge(
    _ outOfFold: OutOfFold, _ folds: [Fold], _ walk: WalkForward, _ examples: Examples, _ models: FittedModels
  ) -> (Judgement, CalibratedModels) {
    let first = folds[1].test.lowerBound
    let judgedRows = first..<folds[folds.count - 1].test.upperBound
    var answers: [ModelName: [Double]] = [:]
    var calibrated = CalibratedModels(
      outOfFold.margins, folds: [], walk: walk, examples: examples, kinds: plannedKinds,
      thinningMinutes: plan.thinningMinutes,
      baseRate: models.baseRate)
    for index in folds.indices.dropFirst() {
      calibrated = CalibratedModels(
        outOfFold.margins, folds: walk.finished(folds[..<index], before: folds[index].test, examples.spans), walk: walk,
        examples: examples, kinds: index < folds.count - 1 ? Self.all(.platt) : plannedKinds,
        thinningMinutes: plan.thinningMinutes, baseRate: models.baseRate)
      let part = calibrated.answers(outOfFold.margins, decisions: folds[index].test, isBinary: plan.target.isBinary)
      for (name, values) in part { answers[name, default: []] += values }
    }
    let baselines = outOfFold.baselines.sorted { $0.key < $1.key }.map { name, values in
      Judgement.Judge(name: name, isBaseline: true, answers: Array(values[judgedRows]))
    }
    let names = CalibratedModels.calibrated + [.ensemble]
    let judgement = Judgement(
      target: plan.target, times: Array(examples.spans.decisionTimes[judgedRows]),
      labels: examples.decisionLabels(judgedRows), weights: examples.decisionWeights(judgedRows),
      minutesLeft: examples.minutesLeft(judgedRows),
      folds: folds.dropFirst().map { $0.test.lowerBound - first..<$0.test.upperBound - first },
      judges: baselines
        + names.map { Judgement.Judge(name: $0.rawValue, isBaseline: false, answers: answers[$0] ?? []) })
    return (judgement, calibrated)
  }

  /// How far two versions' answers lie apart on the last fold, by measure.
  private func agreement(_ a: [ModelName: [Double]], _ b: [ModelName: [Double]]) -> [String: Double] {
    var result: [String: Double] = [:]
    for name in CalibratedModels.calibrated + [.ensemble] {
      guard let left = a[name], let right = b[name], !left.isEmpty else { continue }
      let distances = zip(left, right).map { abs($0 - $1) }
      result["\(name.rawValue) mean distance"] = distances.reduce(0, +) / Double(distances.count)
      let middle = plan.target.isBinary ? 0.5 : 0
      let same = zip(left, right).count { ($0 >= middle) == ($1 >= middle) }
      result["\(name.rawValue) same direction"] = Double(same) / Double(left.count)
    }
    return result
  }
}

/// Predictions of rows that no model had seen, by decision; NaN before the first fold's test.
private struct OutOfFold {
  private(set) var margins: [ModelName: [Double]] = [:]
  private(set) var baselines: [String: [Double]] = [:]
  private let count: Int

  init(count: Int) { self.count = count }

  init(count: Int, _ part: [ModelName: [Double]], at range: Range<Int>) {
    self.init(count: count)
    set(part, at: range)
  }

  mutating func set(_ part: [ModelName: [Double]], at range: Range<Int>) {
    for (name, values) in part {
      margins[name, default: [Double](repeating: .nan, count: count)].replaceSubrange(range, with: values)
    }
  }

  mutating func set(baselines part: [String: [Double]], at range: Range<Int>) {
    for (name, values) in part {
      baselines[name, default: [Double](repeating: .nan, count: count)].replaceSubrange(range, with: values)
    }
  }
}

/// How far one fit is; stages run side by side. The shares are for progress alone.
private struct StageShares {
  private static let shares = ["ModelA": 0.15, "ModelB": 0.45, "ModelC": 0.15, "MLP": 0.2, "logistic": 0.05]

  private var done: [String: Double] = [:]

  mutating func set(_ stage: String, _ fraction: Double) { done[stage] = min(max(fraction, 0), 1) }

  var total: Double { done.reduce(0) { $0 + $1.value * (Self.shares[$1.key] ?? 0) } }
}
