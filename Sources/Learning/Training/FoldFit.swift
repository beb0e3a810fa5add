internal import Evaluation
internal import Features
internal import Market
internal import Models

/// Fits models A, B, C and MLP and the fitted baselines on the decisions of one training window.
struct FoldFit {
  let plan: TrainingPlan
  /// Sizes to use as they are, without early stopping.
  let sizes: FittedSizes?
  let observe: (String, Double) throws -> Void

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
    let layout = try InputLayout(
      featureSetHash: FeatureSet.candles.hash.description, columnNames: FeatureSet.candles.names,
      modelColumns: FeatureSet.candles.modelColumns.map { FeatureSet.candles.names[$0] },
      sequenceColumns: FeatureSet.candles.sequenceColumns.map { FeatureSet.candles.names[$0] }, target: plan.target,
      volatilityColumn: volatility)
    let standardisation = Standardisation(
      RowMatrix(values: examples.inputs.values, columnCount: examples.inputs.columns),
      training: RangeSet(
        training.ranges.map { examples.decisions[$0.lowerBound]..<examples.decisions[$0.upperBound - 1] + 1 }))
    let scaled = ScaledInputs(examples.inputs, layout: layout, by: standardisation)
    var time = LibraryNanoseconds()

    let whole = window(training, walk, examples)
    let trees = try fitTrees(plan.trees, rounds: sizes?.roundsA, [examples.inputs], whole, examples, stage: "ModelA")
    time.xgboost += trees.time.nanoseconds

    let parts = walk.split(training, laterShare: plan.hybridShare, examples.spans)
    let earlier = window(parts.earlier, walk, examples)
    let sequence = try fitNetwork(
      plan.sequence, epochs: sizes?.epochsB, inputs: scaled.steps, extras: scaled.extras, earlier, examples,
      stage: "ModelB")
    time.torch += sequence.nanoseconds
    let latents = try LatentScan(sequence.tensors, layout: layout, scaled, examples, threads: plan.threads)
      .answers(of: examples.rows(parts.later, everyMinutes: plan.treeThinningMinutes)).latents
    let hybrid = try fitTrees(
      plan.hybridTrees, rounds: sizes?.roundsC, [examples.inputs, latents], window(parts.later, walk, examples),
      examples,
      stage: "ModelC")
    time.xgboost += hybrid.time.nanoseconds

    let perceptron = try fitNetwork(
      plan.perceptron, epochs: sizes?.epochsMLP, inputs: scaled.inputs, extras: nil, whole, examples, stage: "MLP")
    time.torch += perceptron.nanoseconds

    let models = FittedModels(
      layout: layout, standardisation: standardisation, a: trees, sequence: sequence.tensors, c: hybrid,
      perceptron: perceptron.tensors, baselines: try fitBaselines(examples, training: training),
      baseRate: baseRate(examples, training: training),
      sizes: FittedSizes(
        roundsA: trees.best?.rounds ?? plan.trees.rounds, roundsC: hybrid.best?.rounds ?? plan.hybridTrees.rounds,
        epochsB: sequence.epochs, epochsMLP: perceptron.epochs),
      trainingDecisions: training.rowCount, time: time)
    return (models, scaled)
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
    stage: String
  ) throws -> Booster {
    var parameters = parameters
    parameters.rounds = rounds ?? parameters.rounds
    parameters.threads = plan.threads
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
    parameters.threads = plan.threads
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

  private func fitBaselines(_ examples: Examples, training: RangeSet<Int>) throws -> TrainedBaselines? {
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
      baseRate: baseRate(examples, training: training))
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
