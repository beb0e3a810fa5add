internal import Evaluation
internal import Models

/// How outputs become probabilities: learnt from outputs for decisions that the network had not seen.
struct TickCalibration {
  /// Of label − output, in basis points.
  let residualDeviation: Double
  let calibrator: Calibrator
  let kind: CalibratorFit.Kind

  /// - Parameters:
  ///   - outputs: by decision, NaN where no fold has predicted.
  ///   - folds: the finished folds to learn from.
  ///   - kind: what is not to be chosen.
  init(
    _ outputs: [Double], folds: [Fold], walk: WalkForward, _ examples: TickExamples, kind: CalibratorFit.Kind? = nil,
    thinningPoints: Int
  ) throws {
    guard let last = folds.last else { throw TrainingError.tooFewFolds(0) }
    let tested = folds.flatMap { Array($0.test) }
    residualDeviation = tested.map { examples.labels[$0] - outputs[$0] }.standardDeviation
    guard residualDeviation > 0 else { throw TrainingError.neverMoves }
    let sample = ThinnedDecisions(folds[0].test.lowerBound..<last.test.upperBound, every: thinningPoints)
    let deviation = residualDeviation
    let rows = MarginRows(
      margins: sample.picking(outputs).map { TickModel.margin($0, residualDeviation: deviation) },
      labels: sample.picking(examples.ups))
    let choices = walk.outOfFold(folds, examples.spans).map(sample.fold)
    self.kind = kind ?? CalibratorChoice(rows, folds: choices).kind
    let finite = rows.selecting(rows.margins.indices.filter { rows.margins[$0].isFinite })
    calibrator = CalibratorFit(self.kind, fitting: finite).flatMap(Calibrator.init) ?? .identity
  }

  func probability(_ output: Double) -> Double {
    calibrator.probability(margin: TickModel.margin(output, residualDeviation: residualDeviation))
  }
}
