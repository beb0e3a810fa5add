internal import Dispatch
internal import Evaluation
internal import Features
internal import Market
internal import Models

/// Fits models A, B, C and MLP and the fitted baselines on the decisions of one training window.
struct FoldFit {
  let plan: TrainingPlan
  /// Sizes to use as they are, without early stopping.
  let sizes: FittedSizes?
  /// Called with a stage's name and the share of it that is done, from one thread at a time.
  private let observe: (String, Double) throws -> Void

  init(plan: TrainingPlan, sizes: FittedSizes?, observe: @escaping (String, Double) throws -> Void) {
    self.plan = plan
    self.sizes = sizes
    let turn = DispatchQueue(label: "progress")
    self.observe = { stage, share in try turn.sync { try observe(stage, share) } }
  }

  /// Rows in time order of a training window: what is learnt from, and the purged last tenth that stops it.
  private struct Window {
    let training: RangeSet<Int>
    let validation: RangeSet<Int>
  }

  /// The models, and the inputs as they scale them.
  func fit(
    _ examples: inout Examples, training: RangeSet<Int>, walk: WalkForward
  ) throws -> (models: FittedModels, scaled: ScaledInputs) {
    let volatility = examples.chooseClosedForm(training: training)
    let set = FeatureSet.of(examples.view)
    let layout = try InputLayout(
      featureSetHash: set.hash.description, columnNames: set.names,
      modelColumns: set.modelColumns.map { set.names[$0] },
      sequenceColumns: set.sequenceColumns.map { set.names[$0] }, target: plan.target, volatilityColumn: volatility)
    let standardisation = Standardisation(
      RowMatrix(values: examples.inputs.values, columnCount: examples.inputs.columns),
      training: RangeSet(
        training.ranges.map { examples.decisions[$0.lowerBound]..<examples.decisions[$0.upperBound - 1] + 1 }))
    let scaled = ScaledInputs(examples.inputs, layout: layout, by: standardisation)
    let whole = window(training, walk, examples)
    let parts = walk.split(training, laterShare: plan.hybridShare, examples.spans)
    let earlier = window(parts.earlier, walk, examples)
    let baseRate = self.baseRate(examples, training: training)
    let read = examples
    let (sequence, rest) = try concurrently {
      try fitNetwork(
        plan.sequence, epochs: sizes?.epochsB, inputs: scaled.steps, extras: scaled.extras, earlier, read,
        stage: "ModelB")
    } and: {
      try fitWithoutLatents(read, scaled, whole, training: training, baseRate: baseRate)
    }
    let latents = try LatentScan(sequence.tensors, layout: layout, scaled, examples, threads: plan.threads)
      .answers(of: examples.rows(parts.later, everyMinutes: plan.treeThinningMinutes)).latents
    let hybrid = try fitTrees(
      plan.hybridTrees, rounds: sizes?.roundsC, [examples.inputs, latents], window(parts.later, walk, examples),
      examples, threads: plan.threads, stage: "ModelC")
    let time = LibraryNanoseconds(
      xgboost: rest.trees.time.nanoseconds + hybrid.time.nanoseconds,
      torch: sequence.nanoseconds + rest.perceptron.nanoseconds)

    let models = FittedModels(
      layout: layout, standardisation: standardisation, a: rest.trees, sequence: sequence.tensors, c: hybrid,
      perceptron: rest.perceptron.tensors, baselines: rest.baselines,
      baseRate: baseRate,
      sizes: FittedSizes(
        roundsA: sizes?.roundsA ?? rest.trees.best?.rounds ?? plan.trees.rounds,
        roundsC: sizes?.roundsC ?? hybrid.best?.rounds ?? plan.hybridTrees.rounds,
        epochsB: sequence.epochs, epochsMLP: rest.perceptron.epochs),
      trainingDecisions: training.rowCount, threads: plan.threads, time: time)
    return (models, scaled)
  }

  private struct WithoutLatents {
    let trees: Booster
    let perceptron: FittedNetwork
    let baselines: TrainedBaselines?
  }

  /// Everything that does not wait for the LSTM; it has a processor less to run on.
  private func fitWithoutLatents(
    _ examples: Examples, _ scaled: ScaledInputs, _ window: Window, training: RangeSet<Int>, baseRate: Double
  ) throws -> WithoutLatents {
    let trees = try fitTrees(
      plan.trees, rounds: sizes?.roundsA, [examples.inputs], window, examples, threads: max(1, plan.threads - 1),
      stage: "ModelA")
    let perceptron = try fitNetwork(
      plan.perceptron, epochs: sizes?.epochsMLP, inputs: scaled.inputs, extras: nil, window, examples, stage: "MLP")
    return WithoutLatents(
      trees: trees, perceptron: perceptron,
      baselines: try fitBaselines(examples, training: training, baseRate: baseRate))
  }

  private func window(_ rows: RangeSet<Int>, _ walk: WalkForward, _ examples: Examples) -> Window {
    guard sizes == nil else { return Window(training: rows, validation: RangeSet()) }
    let split = walk.earlyStopping(rows, examples.spans)
    return Window(training: split.earlier, validation: split.later)
  }

  private func goals(_ examples: Examples) -> Goals {
    Goals(labels: examples.labels, weights: examples.weights, offsets: examples.offsets)
  }

  private func fitTrees(
    _ parameters: BoosterParameters, rounds: Int?, _ blocks: [Matrix], _ window: Window, _ examples: Examples,
    threads: Int, stage: String
  ) throws -> Booster {
    var parameters = parameters
    parameters.rounds = rounds ?? parameters.rounds
    parameters.threads = threads
    parameters.seed = UInt32(truncatingIfNeeded: plan.seed)
    let step = plan.treeThinningMinutes
    let validation = examples.rows(window.validation, everyMinutes: step)
    return try Booster.fit(
      parameters,
      training: BoosterExamples(
        blocks, rows: examples.rows(window.training, everyMinutes: step), goals: goals(examples)),
      validation: validation.isEmpty ? nil : BoosterExamples(blocks, rows: validation, goals: goals(examples))
    ) { progress in
      if progress.round.isMultiple(of: 10) { try observe(stage, Double(progress.round) / Double(progress.rounds)) }
    }
  }

  private struct FittedNetwork {
    let tensors: [String: Tensor]
    let epochs: Int
    let nanoseconds: Int64
  }

  private func fitNetwork(
    _ parameters: NetworkParameters, epochs: Int?, inputs: Matrix, extras: Matrix?, _ window: Window,
    _ examples: Examples, stage: String
  ) throws -> FittedNetwork {
    var parameters = parameters
    parameters.epochs = epochs ?? parameters.epochs
    parameters.seed = plan.seed
    let network = try Network(parameters, inputs: inputs.columns, extras: extras?.columns ?? 0)
    let step = plan.thinningMinutes
    let outcome = try NetworkTrainer(network).fit(
      NetworkExamples(inputs: inputs, extras: extras, goals: goals(examples)),
      validation: examples.rows(window.validation, everyMinutes: step),
      schedule: { _, generator in
        examples.rows(window.training, everyMinutes: step, phase: Int.random(in: 0..<step, using: &generator))
      },
      observe: { progress in
        try observe(stage, (Double(progress.epoch - 1) + progress.share) / Double(progress.epochs))
      })
    return FittedNetwork(
      tensors: try network.exported(), epochs: max(1, outcome.bestEpoch), nanoseconds: network.time.nanoseconds)
  }

  private func fitBaselines(
    _ examples: Examples, training: RangeSet<Int>, baseRate: Double
  ) throws -> TrainedBaselines? {
    guard plan.target.isBinary else { return nil }
    let all = examples.decisions.indices
    let labels = examples.decisionLabels(all)
    let weights = examples.decisionWeights(all)
    try observe("logistic", 0)
    let rows = examples.rows(training, everyMinutes: plan.thinningMinutes)
    let logistic = LogisticRegression(
      fitting: LogisticRegression.Problem(
        matrix: RowMatrix(values: examples.inputs.picking(rows).values, columnCount: examples.inputs.columns),
        labels: rows.map { Double(examples.labels[$0]) },
        weights: examples.weights.map { weights in rows.map { Double(weights[$0]) } },
        offset: examples.offsets.map { offsets in rows.map { Double(offsets[$0]) } },
        training: RangeSet(rows.indices)),
      penalty: plan.logisticPenalty)
    return TrainedBaselines(
      logistic: logistic,
      momentum: Momentum(
        returns: examples.horizonReturns, labels: labels, weights: weights, training: training, prior: .coin),
      baseRate: baseRate)
  }

  private func baseRate(_ examples: Examples, training: RangeSet<Int>) -> Double {
    let labels = examples.decisionLabels(examples.decisions.indices)
    let weights = examples.decisionWeights(examples.decisions.indices)
    let (sum, total) = training.rows.reduce(into: (0.0, 0.0)) { sums, row in
      let weight = weights?[row] ?? 1
      sums.0 += weight * labels[row]
      sums.1 += weight
    }
    return sum / total
  }
}

/// How large the models became: fixed when the recipe is fitted again on all rows.
package struct FittedSizes: Codable, Equatable, Sendable {
  package var roundsA: Int
  package var roundsC: Int
  package var epochsB: Int
  package var epochsMLP: Int
}

/// Time inside the libraries, which a training's total is judged against.
package struct LibraryNanoseconds: Codable, Equatable, Sendable {
  package var xgboost: Int64 = 0
  package var torch: Int64 = 0

  static func += (sum: inout LibraryNanoseconds, other: LibraryNanoseconds) {
    sum.xgboost += other.xgboost
    sum.torch += other.torch
  }
}

/// Runs two pieces of work on two threads, and throws the first's error or the second's.
private func concurrently<A, B>(
  _ first: @escaping () throws -> A, and second: @escaping () throws -> B
) throws -> (A, B) {
  // Each piece is used by one thread, and the results are read when both have ended.
  nonisolated(unsafe) let work = (first, second)
  nonisolated(unsafe) let results = Results<A, B>()
  DispatchQueue.concurrentPerform(iterations: 2) { part in
    if part == 0 {
      results.first = Result(catching: work.0)
    } else {
      results.second = Result(catching: work.1)
    }
  }
  guard let a = results.first, let b = results.second else { preconditionFailure("both pieces of work have run") }
  return (try a.get(), try b.get())
}

private final class Results<A, B> {
  var first: Result<A, any Error>?
  var second: Result<B, any Error>?
}
