import Dataset
import Evaluation
import Features
import Market
import Models
import TestSupport
import Testing

@testable import Learning

struct TrainingRunTests {
  private static let created = Timestamp(minute: 28_100_000)
  private static let candles = RandomWalk(swing: 300)(seed: 7, count: 3000)
  private static let direction = Result { try Trained(.direction(horizonMinutes: 5), candles) }
  private static let window = Result { try Trained(.window(lengthMinutes: 5), candles) }
  private static let change = Result { try Trained(.change(horizonMinutes: 5), candles) }

  /// A run of a recipe so small that it takes a second or two.
  private struct Trained: Sendable {
    let plan: TrainingPlan
    let dataset: Dataset
    let folder: TemporaryFolder
    let result: TrainingRun.Result

    init(_ target: PredictionTarget, _ candles: [Candle], refits: Bool = true) throws {
      var plan = TrainingPlan(target: target)
      (plan.folds, plan.initialShare, plan.refits, plan.threads) = (2, 0.88, refits, 1)
      (plan.thinningMinutes, plan.treeThinningMinutes) = (3, 7)
      for trees in [\TrainingPlan.trees, \.hybridTrees] {
        plan[keyPath: trees].rounds = 12
        plan[keyPath: trees].depth = 3
        plan[keyPath: trees].minimumChildWeight = 2
        plan[keyPath: trees].learningRate = 0.2
      }
      (plan.sequence.epochs, plan.perceptron.epochs, plan.sequence.batch, plan.perceptron.batch) = (2, 3, 64, 64)
      self.plan = plan
      dataset = try Dataset.made(candles)
      folder = try TemporaryFolder()
      result = try TrainingRun(plan, dataset: dataset, created: created, codeVersion: "1") { _ in }
        .run(writingTo: folder.path)
    }

    func directory(_ name: VersionName) throws -> VersionDirectory {
      try VersionDirectory(verifying: folder.path + "/" + name.description)
    }

    func bundle(_ name: VersionName) throws -> ModelBundle {
      try ModelBundle(
        path: folder.path + "/" + name.description, view: MadeVersion.view,
        featureSetHash: FeatureSet.candles.hash.description,
        columnNames: FeatureSet.candles.names)
    }

    var walk: WalkForward {
      WalkForward(foldCount: plan.folds, embargoMinutes: plan.embargoMinutes, initialShare: plan.initialShare)
    }
  }

  private static func trained(_ target: PredictionTarget) throws -> Trained {
    switch target {
    case .direction: try direction.get()
    case .window: try window.get()
    case .change: try change.get()
    case .move, .openWindow: preconditionFailure("no candle is trained for \(target)")
    }
  }

  private static let targets: [PredictionTarget] = [
    .direction(horizonMinutes: 5), .window(lengthMinutes: 5), .change(horizonMinutes: 5),
  ]

  @Test(arguments: targets) func `a run writes the judged version and its refit`(target: PredictionTarget) throws {
    let trained = try Self.trained(target)
    let judged = try trained.bundle(trained.result.judged)
    let refit = try trained.bundle(try #require(trained.result.refit))
    for bundle in [judged, refit] {
      #expect(bundle.modelNames == [.a, .b, .c, .mlp, .ensemble])
      #expect(bundle.card.target == target && bundle.card.created == Self.created)
      #expect(bundle.card.dataset.sha256 == trained.dataset.digest)
      #expect(bundle.card.gate.reason == trained.result.verdict.reason)
      #expect(bundle.card.gate.isPassed == trained.result.verdict.isPassed)
    }
    #expect(refit.card.judgedVersion == judged.card.name && judged.card.judgedVersion == nil)
    #expect(refit.card.agreement?["Ensemble same direction"].map { $0 > 0.5 } == true)
    #expect(refit.card.trainRows > judged.card.trainRows)
    let examples = try Examples(trained.dataset, plan: trained.plan)
    let test = try #require(trained.walk.folds(examples.spans).last).test
    let start = examples.spans.decisionTimes[test.lowerBound]
    #expect(judged.card.dataset.to <= start && refit.card.dataset.to > start)
  }

  @Test func `what is planted is found and beats the baselines`() throws {
    let report = try Self.direction.get().result.report
    let judges = report.judges
    #expect(
      judges.map(\.name) == ["base_rate", "logistic", "momentum", "ModelA", "ModelB", "ModelC", "MLP", "Ensemble"])
    let scores = try judges.map { try #require($0.pooled.probability) }
    #expect(try #require(scores[7].auc.value) > 0.6)
    #expect(try #require(scores[3].auc.value) > 0.6)
    let window = try Self.window.get().result.report
    #expect(window.judge("closed_form") != nil)
  }

  @Test func `the same run gives the same bytes`() throws {
    let first = try Self.direction.get()
    let second = try Trained(.direction(horizonMinutes: 5), Self.candles)
    for name in [first.result.judged, try #require(first.result.refit)] {
      #expect(try first.directory(name).digest == second.directory(name).digest)
    }
  }

  @Test(arguments: targets)
  func `a served version gives the margins that it was judged by`(target: PredictionTarget) throws {
    let trained = try Self.trained(target)
    let dataset = trained.dataset
    var examples = try Examples(dataset, plan: trained.plan)
    let test = try #require(trained.walk.folds(examples.spans).last).test
    let fit = FoldFit(plan: trained.plan, sizes: nil) { _, _ in }
    let (models, scaled) = try fit.fit(
      &examples, training: trained.walk.folds(examples.spans)[1].train, walk: trained.walk)
    let margins = try models.margins(examples, scaled, decisions: test)

    var bundle = try trained.bundle(trained.result.judged)
    var decision = test.lowerBound
    for row in (examples.decisions[decision] - 70)..<dataset.rowCount where decision < test.upperBound {
      let vector = dataset.vector(row)
      bundle.observe(vector, closeTime: dataset.decisionTime(row))
      guard row == examples.decisions[decision] else { continue }
      let answers = bundle.predict(vector, window: target.isWindow ? examples.windows[row] : nil)
      func margin(_ name: ModelName) -> Double { margins[name]![decision - test.lowerBound] }
      #expect(answers.modelA.map { Double($0.margin) } == margin(.a))
      #expect(answers.modelC.map { Double($0.margin) } == margin(.c))
      #expect(abs(Double(try #require(answers.modelB).margin) - margin(.b)) < 1e-5)
      #expect(abs(Double(try #require(answers.mlp).margin) - margin(.mlp)) < 1e-5)
      decision += 1
    }
    #expect(decision == test.upperBound)
  }

  @Test(arguments: targets) func `nothing after the last test's start reaches the judged version`(
    target: PredictionTarget
  ) throws {
    let trained = try Self.trained(target)
    let examples = try Examples(trained.dataset, plan: trained.plan)
    let first = try #require(trained.walk.folds(examples.spans).last).test.lowerBound
    let start = examples.spans.decisionTimes[first]
    // The label before, which is not finished at the start, becomes another.
    let cents = examples.labels[examples.decisions[first - 1]] > 0 ? -5000 : 5000
    let changed = Self.candles.map { $0.openTime < start ? $0 : $0.raised(cents: cents) }
    let other = try Trained(target, changed, refits: false)
    #expect(other.dataset.digest != trained.dataset.digest)
    let directory = try trained.directory(trained.result.judged)
    let otherDirectory = try other.directory(other.result.judged)
    for file in [
      VersionDirectory.File.treesA, VersionDirectory.File.treesC, VersionDirectory.File.weights,
      VersionDirectory.File.calibration, TrainedBaselines.fileName,
    ] where directory.has(file) {
      #expect(try directory.bytes(of: file) == otherDirectory.bytes(of: file), "\(file)")
    }
  }

  @Test func `an observer's error ends a run and leaves no version`() throws {
    struct Enough: Error {}
    let trained = try Self.direction.get()
    let folder = try TemporaryFolder()
    let run = TrainingRun(trained.plan, dataset: trained.dataset, created: Self.created, codeVersion: "1") { progress in
      if progress.stage.hasSuffix("MLP") { throw Enough() }
    }
    #expect(throws: Enough.self) { try run.run(writingTo: folder.path) }
    #expect(throws: VersionError.self) {
      try VersionDirectory(verifying: folder.path + "/" + trained.result.judged.description)
    }
  }
}
