import Learning
import Market
import Testing

struct NetworkTests {
  @Test(arguments: [NetworkParameters.Kind.sequence, .perceptron])
  func `the loss falls on what can be learnt`(kind: NetworkParameters.Kind) throws {
    let outcome = try fit(parameters(kind)).outcome
    #expect(outcome.training.last! < 0.5 * outcome.training[0])
    #expect(outcome.validation[outcome.bestEpoch - 1] == outcome.validation.min())
    #expect(outcome.validation.min()! < 0.45)
  }

  @Test(arguments: [NetworkParameters.Kind.sequence, .perceptron], [1, 2])
  func `the same seed gives the same bytes and another seed others`(
    kind: NetworkParameters.Kind, threads: Int
  ) throws {
    var parameters = parameters(kind)
    (parameters.epochs, parameters.dropout, parameters.threads) = (2, 0.3, threads)
    let first = try fit(parameters).network.state()
    #expect(try fit(parameters).network.state() == first)
    parameters.seed = 2
    #expect(try fit(parameters).network.state() != first)
  }

  @Test func `networks fitted side by side are those fitted alone`() async throws {
    var parameters = parameters(.sequence)
    (parameters.epochs, parameters.dropout) = (2, 0.3)
    let alone = try fit(parameters).network.state()
    try await withThrowingTaskGroup(of: [String: Tensor].self) { [parameters] group in
      for _ in 0..<3 { group.addTask { try fit(parameters).network.state() } }
      for try await state in group { #expect(state == alone) }
    }
  }

  @Test func `a sequence's margin and latents are those of a plain LSTM on its rows`() throws {
    let (network, _) = try fit(parameters(.sequence))
    let rows = [7, 250, 511]
    let (margins, latents) = try network.marginsAndLatents(of: toy.examples, rows: rows)
    let weights = try network.exported()
    for (index, row) in rows.enumerated() {
      let expected = lstmMargin(
        weights, steps: toy.inputs.values[(row - 7) * 3..<(row + 1) * 3], inputs: 3,
        extras: Array(toy.extras.values[row * 2..<row * 2 + 2]))
      #expect(abs(Double(margins[index]) - expected.margin - Double(toy.offsets[row])) < 1e-5)
      for unit in 0..<32 {
        #expect(abs(Double(latents.values[index * 32 + unit]) - expected.latents[unit]) < 1e-5)
      }
    }
    #expect(try network.margins(of: toy.examples, rows: rows) == margins)
  }

  @Test func `folded batch norm gives the margins of the network itself`() throws {
    let (network, _) = try fit(parameters(.perceptron))
    let weights = try network.exported()
    #expect(
      weights.mapValues(\.shape) == [
        "mlp.0.weight": [64, 3], "mlp.0.bias": [64], "mlp.1.weight": [32, 64], "mlp.1.bias": [32],
        "mlp.2.weight": [16, 32], "mlp.2.bias": [16], "mlp.3.weight": [1, 16], "mlp.3.bias": [1],
      ])
    let rows = Array(0..<20)
    let margins = try network.margins(of: toy.examples, rows: rows)
    for row in rows {
      let expected = perceptronMargin(weights, inputs: toy.inputs.values[row * 3..<row * 3 + 3])
      #expect(abs(Double(margins[row]) - expected - Double(toy.offsets[row])) < 1e-4)
    }
  }

  @Test func `a sequence network exports the tensors of a version`() throws {
    let network = try Network(parameters(.sequence), inputs: 3, extras: 2)
    #expect(
      try network.exported().mapValues(\.shape) == [
        "lstm.weight_ih": [128, 3], "lstm.weight_hh": [128, 32], "lstm.bias": [128],
        "lstm.head.weight": [1, 34], "lstm.head.bias": [1],
      ])
  }

  @Test func `one step moves each weight against its gradient`() throws {
    var parameters = parameters(.sequence)
    (parameters.epochs, parameters.batch, parameters.weightDecay, parameters.gradientNorm) = (1, 4, 0, 0)
    parameters.learningRate = 1e-3
    let rate = parameters.learningRate(at: 0.5)
    let rows = [20, 30, 40, 50]
    let network = try Network(parameters, inputs: 3, extras: 2)
    let before = try network.state()
    _ = try NetworkTrainer(network).fit(toy.examples, validation: []) { _, _ in rows }
    let after = try network.state()
    for (name, index) in [("lstm.weight_ih", 5), ("lstm.weight_hh", 700), ("lstm.bias", 40), ("lstm.head.weight", 33)] {
      let gradient = slope(of: name, index, in: before, rows: rows)
      // Adam's first step has the size of the learning rate, here half-way through the cycle, and the gradient's sign.
      let moved = Double(after[name]!.values[index] - before[name]!.values[index])
      #expect(abs(moved + (gradient > 0 ? rate : -rate)) < 2e-5, "\(name)[\(index)] moved \(moved), slope \(gradient)")
    }
  }

  @Test func `the best weights are restored when the fit stops early`() throws {
    var parameters = parameters(.perceptron)
    (parameters.epochs, parameters.patience, parameters.learningRate) = (60, 3, 0.03)
    let (network, outcome) = try fit(parameters)
    #expect(outcome.validation.count == outcome.bestEpoch + 3)
    let margins = try network.margins(of: toy.examples, rows: toy.validation)
    let losses = zip(margins, toy.validation).map { logLoss(margin: Double($0), label: toy.labels[$1]) }
    #expect(abs(losses.reduce(0, +) / Double(losses.count) - outcome.validation.min()!) < 1e-5)
  }

  @Test func `weights of zero take rows out of the loss`() throws {
    var labels = toy.labels
    var weights = [Float](repeating: 1, count: labels.count)
    for row in stride(from: 0, to: labels.count, by: 2) { (labels[row], weights[row]) = (1 - labels[row], 0) }
    let goals = Goals(labels: labels, weights: weights, offsets: toy.offsets)
    let network = try Network(parameters(.perceptron), inputs: 3)
    let examples = NetworkExamples(inputs: toy.inputs, goals: goals)
    let outcome = try NetworkTrainer(network).fit(examples, validation: toy.validation) { _, _ in toy.training }
    #expect(outcome.validation.min()! < 0.5)
  }

  @Test func `weights written back give the same margins`() throws {
    let (network, _) = try fit(parameters(.sequence))
    let copy = try Network(parameters(.sequence), inputs: 3, extras: 2)
    try copy.load(network.exported())
    #expect(
      try copy.margins(of: toy.examples, rows: toy.validation)
        == network.margins(of: toy.examples, rows: toy.validation))
    #expect(throws: NetworkError.self) { try copy.load([:]) }
  }

  @Test func `an observer's error ends the fit`() throws {
    struct Enough: Error {}
    let network = try Network(parameters(.perceptron), inputs: 3)
    #expect(throws: Enough.self) {
      try NetworkTrainer(network).fit(
        toy.examples, validation: toy.validation, schedule: { _, _ in toy.training }, observe: { _ in throw Enough() })
    }
  }

  @Test func `a label that is not a number stops the fit`() throws {
    var goals = Goals(labels: toy.labels)
    goals.labels[20] = .nan
    let network = try Network(parameters(.perceptron), inputs: 3)
    #expect(throws: NetworkError.diverged(epoch: 1, set: "training")) {
      try NetworkTrainer(network).fit(
        NetworkExamples(inputs: toy.inputs, goals: goals), validation: []
      ) { _, _ in Array(10..<30) }
    }
  }

  private let toy = Toy()

  private func parameters(_ kind: NetworkParameters.Kind) -> NetworkParameters {
    var parameters = NetworkParameters(kind)
    (parameters.steps, parameters.epochs, parameters.batch, parameters.learningRate) = (8, 12, 32, 0.02)
    (parameters.dropout, parameters.seed, parameters.threads) = (0, 1, 1)
    return parameters
  }

  private func fit(_ parameters: NetworkParameters) throws -> (network: Network, outcome: NetworkTrainer.Outcome) {
    let network = try Network(parameters, inputs: 3, extras: parameters.kind == .sequence ? 2 : 0)
    let outcome = try NetworkTrainer(network).fit(
      toy.examples, validation: toy.validation, schedule: { _, _ in toy.training })
    return (network, outcome)
  }

  /// The slope of the mean loss by central differences of the plain LSTM.
  private func slope(of name: String, _ index: Int, in weights: [String: Tensor], rows: [Int]) -> Double {
    func loss(shift: Float) -> Double {
      var moved = weights
      moved[name]!.values[index] += shift
      return rows.reduce(0) { total, row in
        let margin = lstmMargin(
          moved, steps: toy.inputs.values[(row - 7) * 3..<(row + 1) * 3], inputs: 3,
          extras: Array(toy.extras.values[row * 2..<row * 2 + 2])
        ).margin
        return total + logLoss(margin: margin + Double(toy.offsets[row]), label: toy.labels[row])
      }
    }
    return (loss(shift: 0.01) - loss(shift: -0.01)) / 0.02
  }
}

/// A walk in three columns; up iff the newest first column is positive, which both kinds of network can learn.
private struct Toy {
  let inputs: Matrix
  let extras: Matrix
  let offsets: [Float]
  let labels: [Float]
  let training = Array(7..<600)
  let validation = Array(600..<800)

  init() {
    var generator = SplitMix64(seed: 11)
    func draw(_ count: Int, _ scale: Float) -> [Float] {
      (0..<count).map { _ in Float.random(in: -scale...scale, using: &generator) }
    }
    inputs = Matrix(columns: 3, values: draw(2_400, 2))
    extras = Matrix(columns: 2, values: draw(1_600, 1))
    offsets = draw(800, 0.1)
    labels = (0..<800).map { [inputs] in inputs.values[$0 * 3] > 0 ? 1 : 0 }
  }

  var examples: NetworkExamples {
    NetworkExamples(inputs: inputs, extras: extras, goals: Goals(labels: labels, offsets: offsets))
  }
}
