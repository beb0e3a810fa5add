import Dataset
import Evaluation
import Features
import FoundationEssentials
import Glibc
import Market
import Models
import TestSupport
import Testing

@testable import Learning

struct TickTrainingTests {
  private static let created = Timestamp("2024-05-01T12:00:00Z")!
  private static let series = Series(.binance, .btcusdt)
  private static let trained = Result { try Trained(made(seed: 1)) }

  /// Points whose order book imbalance tells where the price goes, one every 1.5 s.
  private static func made(
    seed: UInt64, points: Int = 6000, view: MarketView = MadeVersion.view, changingFrom changed: Int? = nil
  ) throws -> TickDataset {
    var random = SplitMix64(seed: seed)
    let header = TickDatasetHeader(view: view, intervalMilliseconds: 1500, horizonSeconds: 60, isSynthetic: false)
    var builder = TickDatasetBuilder(series, header: header)
    let start = Timestamp("2024-03-01T00:00:00Z")!
    builder.take(.tradesBegin(series, at: start))
    var (price, imbalance) = (60_000.0, 0.0)
    for index in 0..<points {
      if index == changed { random = SplitMix64(seed: 99) }
      let time = start.adding(microseconds: Int64(index) * 1_500_000)
      builder.advance(to: time)
      func noise(_ size: Double) -> Double { .random(in: -size...size, using: &random) }
      if index > 0 {
        builder.add(
          TickInputs(
            time: time,
            values: [
              price, noise(0.001), noise(0.002), price + noise(10), 5 + noise(4), 60 + noise(30), 2 + noise(1), 1e-6,
              imbalance, 50 + noise(20), noise(3), 0.5 + noise(0.4),
            ], reference: 60_000), trend: price + noise(20))
      }
      imbalance = 0.98 * imbalance + noise(0.15)
      price *= exp((imbalance * 0.15 + noise(0.15)) / 10_000)
      let units = Int128((price * 100).rounded()) * 1_000_000
      builder.take(
        .trade(
          series,
          Trade(
            id: Int64(index), time: time, price: Decimal8(units: units)!, quantity: Decimal8(units: 1)!,
            isTakerBuyer: true)))
    }
    let folder = try TemporaryFolder()
    _ = try builder.write(to: folder.path + "/ticks")
    return try TickDataset(path: folder.path + "/ticks")
  }

  private static var plan: TickTrainingPlan {
    var plan = TickTrainingPlan()
    (plan.minimumTapeHours, plan.perceptron.epochs, plan.perceptron.batch) = (1, 8, 64)
    plan.thinningPoints = 4
    return plan
  }

  private static var walk: WalkForward {
    WalkForward(foldCount: plan.folds, embargoMinutes: plan.embargoMinutes, initialShare: plan.initialShare)
  }

  private struct Trained: Sendable {
    let dataset: TickDataset
    let folder: TemporaryFolder
    let result: TrainingRun.Result

    init(_ dataset: TickDataset, _ plan: TickTrainingPlan = TickTrainingTests.plan) throws {
      self.dataset = dataset
      folder = try TemporaryFolder()
      result = try TickTrainingRun(plan, dataset: dataset, created: TickTrainingTests.created, codeVersion: "1") { _ in
      }
      .run(writingTo: folder.path)
    }

    func model(_ name: VersionName) throws -> TickModel {
      try TickModel(
        path: folder.path + "/" + name.description, view: MadeVersion.view, inputsHash: TickInputs.hash.description,
        inputNames: TickInputs.names)
    }
  }

  @Test func `a run writes the judged version and its refit, ready to serve`() throws {
    let trained = try Self.trained.get()
    let judged = try trained.model(trained.result.judged)
    let refit = try trained.model(try #require(trained.result.refit))
    for model in [judged, refit] {
      #expect(model.card.target == .move(horizonSeconds: 60) && model.card.created == Self.created)
      #expect(model.card.dataset.sha256 == trained.dataset.digest && !model.card.isSynthetic)
      #expect(model.card.gate == trained.result.verdict)
      #expect(model.facts.intervalMilliseconds == 1500 && model.facts.residualDeviation > 0)
    }
    #expect(judged.card.name.description == "move-60s-20240501t120000z")
    #expect(refit.card.judgedVersion == judged.card.name && refit.card.trainRows > judged.card.trainRows)
    let examples = try TickExamples(trained.dataset, plan: Self.plan)
    let test = try #require(Self.walk.folds(examples.spans).last).test
    let start = examples.spans.decisionTimes[test.lowerBound]
    #expect(judged.card.dataset.to.adding(minutes: 5) <= start && refit.card.dataset.to > start)
  }

  @Test func `what is planted is found, with figures and intervals beside the baselines`() throws {
    let trained = try Self.trained.get()
    let card = try trained.model(trained.result.judged).card
    let pooled = try #require(card.scores["pooled"])
    #expect(Set(pooled.keys) == ["no_change", "linear", "point", "sequence", "coin", "base_rate", "MLP"])
    for metric in ["rmse", "mae", "accuracy", "brier", "log_loss", "auc"] {
      let estimate = try #require(pooled["MLP"]?[metric])
      #expect(estimate.value != nil && estimate.low != nil && estimate.high != nil)
    }
    let error = try #require(pooled["MLP"]?["rmse"]?.value)
    for baseline in ["no_change", "linear"] { #expect(error < (try #require(pooled[baseline]?["rmse"]?.value))) }
    #expect(try #require(pooled["MLP"]?["auc"]?.value) > 0.7)
    #expect(card.gate.skill?.value.map { $0 > 0.1 } == true)
    #expect(trained.result.table.contains("RMSE bp") && trained.result.table.contains("no_change"))
  }

  @Test(arguments: TickModel.Shape.allCases)
  func `the shape with the smaller error on the last fold is chosen`(best: TickModel.Shape) throws {
    let examples = try TickExamples(try Self.trained.get().dataset, plan: Self.plan)
    let last = try #require(Self.walk.folds(examples.spans).last).test
    var outputs: [TickModel.Shape: [Double]] = [:]
    for shape in TickModel.Shape.allCases {
      // Before the last fold it is the other way round, and that is more.
      outputs[shape] = examples.labels.indices.map { row in
        examples.labels[row] + (last.contains(row) == (shape == best) ? 1 : 2)
      }
    }
    #expect(TickJudgement.better(outputs, examples, last) == best)
  }

  @Test func `the version that is written has the shape with the smaller error on the last fold`() throws {
    let trained = try Self.trained.get()
    let model = try trained.model(trained.result.judged)
    let last = try #require(model.card.scores["fold-\(Self.plan.folds)"])
    let point = try #require(last["point"]?["rmse"]?.value)
    let sequence = try #require(last["sequence"]?["rmse"]?.value)
    let better: TickModel.Shape = sequence < point ? .sequence : .point
    #expect(model.shape == better, "point \(point), sequence \(sequence)")
  }

  @Test func `the same run gives the same bytes, another seed others`() throws {
    let first = try Self.trained.get()
    let second = try Trained(Self.made(seed: 1))
    for name in [first.result.judged, try #require(first.result.refit)] {
      #expect(try first.model(name).digest == second.model(name).digest)
    }
    var plan = Self.plan
    plan.seed = 2
    let other = try Trained(first.dataset, plan)
    #expect(try first.model(first.result.judged).digest != other.model(other.result.judged).digest)
  }

  @Test(arguments: TickModel.Shape.allCases)
  func `serving gives what libtorch gives`(shape: TickModel.Shape) throws {
    let dataset = try Self.trained.get().dataset
    let examples = try TickExamples(dataset, plan: Self.plan)
    let training = try #require(Self.walk.folds(examples.spans).first).train
    let scaler = try #require(
      Scaler(mean: (0..<12).map { Float($0) / 10 }, scale: [Float](repeating: 0.3, count: 12)))
    let inputs = examples.scaled(shape, by: scaler)
    var parameters = Self.plan.perceptron
    parameters.epochs = 1
    let network = try Network(parameters, inputs: inputs.columns)
    let table = NetworkExamples(inputs: inputs, goals: Goals(labels: examples.labels.map(Float.init)))
    _ = try NetworkTrainer(network).fit(table, validation: [], schedule: { _, _ in training.rows })
    let kernel = try PerceptronKernel(tensors: Tensors(network.exported()))
    let rows = Array(0..<300)
    let margins = try network.margins(of: NetworkExamples(inputs: inputs), rows: rows)
    for row in rows {
      let served = kernel.margin(Array(inputs.values[row * inputs.columns..<(row + 1) * inputs.columns]))
      #expect(abs(served - margins[row]) < 1e-4 * max(1, abs(margins[row])))
    }
  }

  @Test func `a served version answers what it was judged by`() throws {
    let trained = try Self.trained.get()
    let examples = try TickExamples(trained.dataset, plan: Self.plan)
    let fold = try #require(Self.walk.folds(examples.spans).last)
    let model = try trained.model(trained.result.judged)
    let fitted = try TickFit(plan: Self.plan, epochs: nil, observe: { _ in })
      .fit(examples, model.shape, training: fold.train, walk: Self.walk)
    let outputs = try fitted.outputs(fold.test)
    for (index, decision) in fold.test.enumerated().prefix(200) {
      let row = examples.decisions[decision]
      let points = (row - 4...row).map { row in examples.inputs.values[row * 12..<(row + 1) * 12].map(Double.init) }
      #expect(model.answer(points)?.moveBasisPoints == outputs[index])
    }
  }

  @Test func `no training label overlaps a test, and none of what comes later is learnt from`() throws {
    let examples = try TickExamples(try Self.trained.get().dataset, plan: Self.plan)
    let folds = Self.walk.folds(examples.spans)
    #expect(folds.count == Self.plan.folds)
    #expect(LeakCheck.folds(folds, examples.spans, embargoMinutes: Self.plan.embargoMinutes).isEmpty)
    let start = examples.decisions[folds[1].test.lowerBound]
    let other = try TickExamples(try Self.made(seed: 1, changingFrom: start + 1), plan: Self.plan)
    #expect(other.labels.suffix(100) != examples.labels.suffix(100))
    let fit = TickFit(plan: Self.plan, epochs: nil, observe: { _ in })
    let honest = try fit.fit(examples, .sequence, training: folds[1].train, walk: Self.walk)
    let changed = try fit.fit(other, .sequence, training: folds[1].train, walk: Self.walk)
    #expect(honest.tensors == changed.tensors && honest.scaler == changed.scaler)
  }

  @Test func `residual deviation and calibration are those of earlier folds`() throws {
    let trained = try Self.trained.get()
    let examples = try TickExamples(trained.dataset, plan: Self.plan)
    let folds = Self.walk.folds(examples.spans)
    let model = try trained.model(trained.result.judged)
    let fit = TickFit(plan: Self.plan, epochs: nil, observe: { _ in })
    var residuals: [Double] = []
    for fold in Self.walk.finished(folds[..<2], before: folds[2].test, examples.spans) {
      let outputs = try fit.fit(examples, model.shape, training: fold.train, walk: Self.walk).outputs(fold.test)
      residuals += zip(fold.test, outputs).map { examples.labels[$0] - $1 }
    }
    #expect(abs(model.facts.residualDeviation - residuals.standardDeviation) < 1e-9)
  }

  @Test func `too little tape is refused with how much there is`() throws {
    var plan = Self.plan
    plan.minimumTapeHours = 6
    let error = #expect(throws: TrainingError.self) { try Trained(Self.made(seed: 1), plan) }
    #expect(error?.description.contains("only 2.4 h of tape, at least 6 h are needed") == true)
  }

  @Test func `a simulator's trades make a synthetic version`() throws {
    let view = MarketView("sim-binance:BTCUSDT")!
    let trained = try Trained(Self.made(seed: 2, points: 4000, view: view))
    let folder = trained.folder.path + "/" + trained.result.judged.description
    #expect(try VersionDirectory(verifying: folder).card().isSynthetic)
  }

  @Test func `a plan is the usual one with what is said instead`() throws {
    let plan = try TickTrainingPlan(
      overrides: ["target": "move-60s", "seed": 7, "perceptron": ["epochs": 3], "minimumTapeHours": 0.5])
    var expected = TickTrainingPlan()
    (expected.seed, expected.perceptron.epochs, expected.minimumTapeHours) = (7, 3, 0.5)
    #expect(plan == expected)
    #expect(throws: TrainingError.self) { try TickTrainingPlan(overrides: ["target": "move-60s", "trees": 3]) }
    #expect(throws: TrainingError.self) { try TickTrainingPlan(overrides: ["target": "direction-5m"]) }
    #expect(throws: TrainingError.self) { try TickTrainingPlan(overrides: ["target": "move-60s", "folds": 1]) }
  }
}
