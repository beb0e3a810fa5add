package import Market

/// The loop over epochs: shuffles, stops when the validation loss no longer falls, keeps the best weights.
package struct NetworkTrainer {
  package struct Progress: Sendable, Equatable {
    /// Counted from 1, out of `epochs` at most.
    package let epoch: Int
    package let epochs: Int
    /// Share of this epoch's rows that are done, 1 when it was also validated.
    package let share: Double
    package let training: Double
    package let validation: Double?
  }

  /// What became of a fit: losses by epoch, and the epoch whose weights the network has.
  package struct Outcome: Sendable, Equatable {
    package private(set) var bestEpoch = 0
    package private(set) var training: [Double] = []
    /// Empty without validation rows; then the last epoch is the best.
    package private(set) var validation: [Double] = []

    /// Whether the epoch is the best so far.
    fileprivate mutating func record(training loss: Double, validation score: Double?) -> Bool {
      let lowest = validation.min() ?? .infinity
      training.append(loss)
      if let score { validation.append(score) }
      guard score ?? -.infinity < lowest else { return false }
      bestEpoch = training.count
      return true
    }
  }

  /// Batches between two looks at the observer, which share a learning rate.
  private static let batchesPerStretch = 16

  package let network: Network

  package init(_ network: Network) { self.network = network }

  /// Fits on the rows `schedule` gives for each epoch (counted from 1), drawn with the generator it is handed.
  ///
  /// Without validation rows all epochs are run. `observe` is called several times an epoch; an error it throws ends
  /// the fit and is passed on.
  package func fit(
    _ examples: NetworkExamples, validation: [Int],
    schedule: (_ epoch: Int, inout SplitMix64) -> [Int], observe: (Progress) throws -> Void = { _ in }
  ) throws -> Outcome {
    let parameters = network.parameters
    var generator = SplitMix64(seed: parameters.seed)
    var outcome = Outcome()
    var best: [String: Tensor]?
    try examples.withTable { table in
      for epoch in 1...parameters.epochs {
        let rows = schedule(epoch, &generator).shuffled(using: &generator)
        guard !rows.isEmpty else { throw NetworkError.noExamples(set: "training") }
        let training = try pass(table, rows: rows, epoch: epoch, observe: observe)
        let loss = validation.isEmpty ? nil : try network.evaluate(table, rows: validation)
        try check(training: training, validation: loss, epoch: epoch)
        if outcome.record(training: training, validation: loss), loss != nil { best = try network.state() }
        try observe(
          Progress(epoch: epoch, epochs: parameters.epochs, share: 1, training: training, validation: loss))
        if epoch - outcome.bestEpoch >= parameters.patience { break }
      }
    }
    if let best { try network.load(best) }
    return outcome
  }

  private func pass(
    _ table: OpaquePointer, rows: [Int], epoch: Int, observe: (Progress) throws -> Void
  ) throws -> Double {
    let stretch = network.parameters.batch * Self.batchesPerStretch
    let pieces = (rows.count + stretch - 1) / stretch
    var sum = WeightedSum()
    for piece in 0..<pieces {
      let (start, end) = (rows.count * piece / pieces, rows.count * (piece + 1) / pieces)
      let done = Double(epoch - 1) + Double(start + end) / 2 / Double(rows.count)
      let rate = network.parameters.learningRate(at: done / Double(network.parameters.epochs))
      sum += try network.train(table, rows: rows[start..<end], learningRate: rate)
      guard end < rows.count else { break }
      try observe(
        Progress(
          epoch: epoch, epochs: network.parameters.epochs, share: Double(end) / Double(rows.count),
          training: sum.mean, validation: nil))
    }
    return sum.mean
  }

  private func check(training: Double, validation: Double?, epoch: Int) throws {
    if !training.isFinite { throw NetworkError.diverged(epoch: epoch, set: "training") }
    if let validation, !validation.isFinite { throw NetworkError.diverged(epoch: epoch, set: "validation") }
  }
}
