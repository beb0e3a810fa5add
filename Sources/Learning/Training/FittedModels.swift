internal import Evaluation
internal import Market
internal import Models

/// What one training window gave.
struct FittedModels {
  let layout: InputLayout
  let standardisation: Standardisation
  let a: Booster
  let sequence: [String: Tensor]
  let c: Booster
  let perceptron: [String: Tensor]
  let baselines: TrainedBaselines?
  /// Mean of the training labels.
  let baseRate: Double
  let sizes: FittedSizes
  let trainingDecisions: Int
  let threads: Int
  let time: LibraryNanoseconds

  /// Margins of a range of decisions by each model, as serving would compute them; percent changes for regressions.
  ///
  /// `examples` must still hold the closed form these models were fitted on.
  func margins(
    _ examples: Examples, _ scaled: ScaledInputs, decisions: Range<Int>
  ) throws -> [ModelName: [Double]] {
    let rows = Array(examples.decisions[decisions])
    let scan = try LatentScan(sequence, layout: layout, scaled, examples, threads: threads).answers(of: rows)
    let perceptron = try PerceptronKernel(tensors: Tensors(perceptron))
    let width = scaled.inputs.columns
    let mlp = rows.map { row in
      Double(
        perceptron.margin(
          Array(scaled.inputs.values[row * width..<(row + 1) * width]), offset: examples.offsets?[row] ?? 0))
    }
    return [
      .a: try a.margins(of: [examples.inputs], rows: rows, offsets: examples.offsets).map(Double.init),
      .b: rows.map { Double(scan.margins[$0]) },
      .c: try c.margins(of: [examples.inputs, scan.latents], rows: rows, offsets: examples.offsets).map(Double.init),
      .mlp: mlp,
    ]
  }

  /// Probabilities of the baselines for a range of decisions, by name.
  func baselineProbabilities(_ examples: Examples, decisions: Range<Int>) -> [String: [Double]] {
    guard let baselines else { return [:] }
    let all = examples.decisions.indices
    let expanding = ExpandingMean.answers(
      examples.spans, labels: examples.decisionLabels(all), weights: examples.decisionWeights(all), prior: .coin)
    let rows = Array(examples.decisions[decisions])
    let tested = RowMatrix(values: examples.inputs.picking(rows).values, columnCount: examples.inputs.columns)
    let offsets = examples.offsets.map { offsets in rows.map { Double(offsets[$0]) } }
    var result: [String: [Double]] = [
      "base_rate": Array(expanding[decisions]),
      "momentum": decisions.map { baselines.momentum.answer(return: examples.horizonReturns[$0]) },
      "logistic": baselines.logistic.margins(tested, offset: offsets).map { Probability(logit: $0).value },
    ]
    if let offsets { result["closed_form"] = offsets.map { Probability(logit: $0).value } }
    return result
  }
}
