internal import Glibc
package import Market

/// A version of the tick cadence ready to predict: the inputs of the last moments in, the move of the price out.
package struct TickModel: Sendable {
  /// How much of the past the network reads.
  package enum Shape: String, Sendable, Codable, CaseIterable {
    /// The newest point alone.
    case point
    /// The last five, oldest first.
    case sequence

    package var pointCount: Int { self == .point ? 1 : 5 }
  }

  /// What a version says of itself beside its card: its `ticks.json`.
  package struct Facts: Sendable, Hashable, Codable {
    package var shape: Shape
    /// From one point of a sequence to the next.
    package var intervalMilliseconds: Int
    /// Standard deviation of label − output on rows that the network had not seen, in basis points.
    package var residualDeviation: Double

    package init(shape: Shape, intervalMilliseconds: Int, residualDeviation: Double) {
      (self.shape, self.intervalMilliseconds) = (shape, intervalMilliseconds)
      self.residualDeviation = residualDeviation
    }
  }

  package struct Answer: Sendable, Hashable {
    /// 10⁴ · ln(price after the horizon / price now).
    package let moveBasisPoints: Double
    package let probabilityUp: Double

    package init(moveBasisPoints: Double, probabilityUp: Double) {
      (self.moveBasisPoints, self.probabilityUp) = (moveBasisPoints, probabilityUp)
    }

    package func price(from current: Double) -> Double { current * exp(moveBasisPoints / 10_000) }
  }

  package let card: VersionCard
  /// SHA-256 over the version's checksums.
  package let digest: String
  package let facts: Facts
  private let scaler: Scaler
  private let kernel: PerceptronKernel
  private let calibrator: Calibrator

  package var shape: Shape { facts.shape }

  /// Takes a version that was read and verified.
  package init(_ directory: VersionDirectory) throws(VersionError) {
    let (card, facts) = (try directory.card(), try directory.tickFacts())
    let folder = directory.path
    func demand(_ what: String, _ isFit: Bool, expected: String, actual: String) throws(VersionError) {
      guard isFit else { throw .mismatch(what: what, folder: folder, expected: expected, actual: actual) }
    }
    try demand(
      "the target", PredictionTarget.ofTicks.contains(card.target), expected: "one of the tick cadence",
      actual: card.target.description)
    let width = card.layout.columnNames.count
    try demand(
      "the list of model columns", card.layout.modelColumns == Array(0..<width), expected: "all \(width)",
      actual: "\(card.layout.modelColumns.count) of them")
    guard facts.residualDeviation.isFinite, facts.residualDeviation > 0, facts.intervalMilliseconds > 0 else {
      throw .malformed(
        file: VersionDirectory.File.ticks, folder: folder, reason: "interval and residual deviation must be above 0")
    }
    guard let calibrator = try directory.calibration().mlp else {
      throw .malformed(file: VersionDirectory.File.calibration, folder: folder, reason: "it has no calibrator “mlp”")
    }
    let weights = try directory.bytes(of: VersionDirectory.File.weights)
    do {
      let tensors = try Tensors(safetensors: weights)
      scaler = try Scaler(tensors: tensors, inputCount: width)
      kernel = try PerceptronKernel(tensors: tensors)
    } catch {
      throw .malformed(file: VersionDirectory.File.weights, folder: folder, reason: error.description)
    }
    let inputs = facts.shape.pointCount * width
    try demand(
      "the network's number of inputs", kernel.inputCount == inputs,
      expected: "\(inputs) for a \(facts.shape.rawValue)",
      actual: "\(kernel.inputCount)")
    (self.card, self.facts, self.calibrator, digest) = (card, facts, calibrator, directory.digest)
  }

  /// Loads and verifies a version, and refuses one that was made for another view or other inputs.
  package init(
    path: String, view: MarketView, inputsHash: String, inputNames: [String]
  ) throws(VersionError) {
    try self.init(try VersionDirectory(verifying: path))
    try card.demand(view, featureSetHash: inputsHash, columnNames: inputNames, in: path)
  }

  /// Answers for the newest of some points; allocates nothing.
  ///
  /// `nil` if there are fewer than the shape reads, or if the network's output is no number.
  ///
  /// - Parameter points: the network inputs of each, raw, oldest first, each an interval after the one before.
  package func answer(_ points: ArraySlice<[Double]>) -> Answer? {
    guard points.count >= shape.pointCount else { return nil }
    let output = withUnsafeTemporaryAllocation(of: Float.self, capacity: kernel.inputCount) { scaled in
      var place = 0
      for point in points.suffix(shape.pointCount) {
        precondition(point.count == scaler.count, "a point of \(point.count) values")
        for column in 0..<scaler.count {
          scaled.initializeElement(at: place, to: scaler.scaled(Float(point[column]), column: column))
          place += 1
        }
      }
      return Double(kernel.margin(UnsafeBufferPointer(scaled)))
    }
    guard output.isFinite else { return nil }
    return Answer(moveBasisPoints: output, probabilityUp: probabilityUp(output))
  }

  package func answer(_ points: [[Double]]) -> Answer? { answer(points[...]) }

  private func probabilityUp(_ output: Double) -> Double {
    calibrator.probability(margin: Self.margin(output, residualDeviation: facts.residualDeviation))
  }

  /// What the calibrator reads: the logit of Φ(output / deviation).
  package static func margin(_ output: Double, residualDeviation: Double) -> Double {
    Probability(clipping: ClosedForm.normal(output / residualDeviation)).logit
  }
}
