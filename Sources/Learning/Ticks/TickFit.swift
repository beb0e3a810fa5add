internal import Evaluation
internal import Models

/// Fits one shape of the tick network on the decisions of one training window.
struct TickFit {
  let plan: TickTrainingPlan
  /// Epochs to run as they are, without early stopping.
  let epochs: Int?
  let observe: (Double) throws -> Void

  func fit(
    _ examples: TickExamples, _ shape: TickModel.Shape, training: RangeSet<Int>, walk: WalkForward
  ) throws -> FittedTicks {
    let scaler = try scaler(examples, training: training)
    let inputs = examples.scaled(shape, by: scaler)
    let unit = try Self.deviation(training.rows.map { examples.labels[$0] })
    var parameters = plan.perceptron
    parameters.seed = plan.seed
    parameters.threads = plan.threads
    parameters.epochs = epochs ?? parameters.epochs
    let network = try Network(parameters, inputs: inputs.columns)
    let (read, checked) = window(training, walk, examples)
    let step = plan.thinningPoints
    let outcome = try NetworkTrainer(network).fit(
      NetworkExamples(inputs: inputs, goals: Goals(labels: examples.labels.map { Float($0 / unit) })),
      validation: checked.rows.filter { $0.isMultiple(of: step) },
      schedule: { _, generator in
        let phase = Int.random(in: 0..<step, using: &generator)
        return read.rows.filter { ($0 + phase).isMultiple(of: step) }
      },
      observe: { progress in
        try observe((Double(progress.epoch - 1) + progress.share) / Double(progress.epochs))
      })
    return FittedTicks(
      shape: shape, scaler: scaler, tensors: try Self.rescaled(network.exported(), by: unit),
      epochs: max(1, outcome.bestEpoch), trainingDecisions: training.rowCount, inputs: inputs,
      nanoseconds: network.time.nanoseconds)
  }

  /// Rows in time order: what is learnt from, and the purged last tenth that stops it.
  private func window(
    _ rows: RangeSet<Int>, _ walk: WalkForward, _ examples: TickExamples
  ) -> (training: RangeSet<Int>, validation: RangeSet<Int>) {
    guard epochs == nil else { return (rows, RangeSet()) }
    let split = walk.earlyStopping(rows, examples.spans)
    return (split.earlier, split.later)
  }

  private func scaler(_ examples: TickExamples, training: RangeSet<Int>) throws -> Scaler {
    let read = examples.inputs.picking(training.rows.map { examples.decisions[$0] })
    let standardisation = Standardisation(
      RowMatrix(values: read.values, columnCount: read.columns), training: RangeSet(0..<read.rows))
    guard let scaler = Scaler(mean: standardisation.mean, scale: standardisation.scale) else {
      throw TrainingError.badPlan("an input's mean or deviation is no number")
    }
    return scaler
  }

  private static func deviation(_ labels: [Double]) throws -> Double {
    let deviation = labels.standardDeviation
    guard deviation > 0 else { throw TrainingError.neverMoves }
    return deviation
  }

  /// The network learns labels of unit size; the last layer brings its output back to basis points.
  private static func rescaled(_ tensors: [String: Tensor], by unit: Double) -> [String: Tensor] {
    var tensors = tensors
    for name in ["mlp.3.weight", "mlp.3.bias"] {
      guard let tensor = tensors[name] else { continue }
      tensors[name] = Tensor(shape: tensor.shape, values: tensor.values.map { Float(Double($0) * unit) })
    }
    return tensors
  }
}

/// What one training window gave of one shape.
struct FittedTicks {
  let shape: TickModel.Shape
  let scaler: Scaler
  let tensors: [String: Tensor]
  let epochs: Int
  let trainingDecisions: Int
  /// The scaled input of every decision.
  let inputs: Matrix
  let nanoseconds: Int64

  /// Moves in basis points, computed as serving does.
  func outputs(_ decisions: Range<Int>) throws -> [Double] {
    let kernel = try PerceptronKernel(tensors: Tensors(tensors))
    let width = inputs.columns
    return inputs.values.withUnsafeBufferPointer { values in
      decisions.map { row in
        Double(kernel.margin(UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])))
      }
    }
  }

  /// The tensors of a version's `weights.safetensors`.
  func weights() throws -> Tensors {
    var weights = try Tensors(tensors)
    weights["scaler.mean"] = Tensors.Tensor(shape: [scaler.count], values: scaler.mean)
    weights["scaler.scale"] = Tensors.Tensor(shape: [scaler.count], values: scaler.scale)
    return weights
  }
}

extension [Double] {
  /// About their mean; 0 of nothing.
  var standardDeviation: Double {
    guard !isEmpty else { return 0 }
    let mean = reduce(0, +) / Double(count)
    return (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
  }
}
