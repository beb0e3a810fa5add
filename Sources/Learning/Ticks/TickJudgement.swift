internal import Evaluation
internal import Market
internal import Models

/// Which shape is served, how it is calibrated, and how both did beside the baselines.
///
/// Every fold but the first is judged, with what the folds before it tell of residuals and calibration.
struct TickJudgement {
  let chosen: TickModel.Shape
  /// Of the chosen shape for the last fold: the one that is served.
  let calibration: TickCalibration
  /// Of the moves, in basis points.
  let moves: EvaluationReport
  /// Of the probabilities of up.
  let chances: EvaluationReport
  let verdict: GateVerdict

  init(
    _ plan: TickTrainingPlan, _ examples: TickExamples, walk: WalkForward, folds: [Fold],
    outputs: [TickModel.Shape: [Double]]
  ) throws {
    let last = folds[folds.count - 1].test
    let chosen = Self.better(outputs, examples, last)
    self.chosen = chosen
    let judged = folds[1].test.lowerBound..<last.upperBound
    var probabilities: [TickModel.Shape: [Double]] = [:]
    var served: TickCalibration?
    for index in folds.indices.dropFirst() {
      let finished = walk.finished(folds[..<index], before: folds[index].test, examples.spans)
      for shape in TickModel.Shape.allCases {
        let outputs = outputs[shape] ?? []
        // Kinds are compared for the version that is served alone.
        let calibration = try TickCalibration(
          outputs, folds: finished, walk: walk, examples, kind: index < folds.count - 1 ? .platt : nil,
          thinningPoints: plan.thinningPoints)
        probabilities[shape, default: []] += folds[index].test.map { calibration.probability(outputs[$0]) }
        if shape == chosen { served = calibration }
      }
    }
    guard let served else { throw TrainingError.tooFewFolds(folds.count) }
    calibration = served
    let ranges = folds.dropFirst().map {
      $0.test.lowerBound - judged.lowerBound..<$0.test.upperBound - judged.lowerBound
    }
    let times = Array(examples.spans.decisionTimes[judged])
    let moves = Judgement(
      target: plan.target, times: times, labels: Array(examples.labels[judged]), folds: ranges,
      judges: [
        Judgement.Judge(name: "no_change", isBaseline: true, answers: judged.map { _ in 0 }),
        Judgement.Judge(name: "linear", isBaseline: true, answers: Array(examples.trends[judged])),
      ]
        + TickModel.Shape.allCases.map { shape in
          Judgement.Judge(name: shape.rawValue, isBaseline: false, answers: Array((outputs[shape] ?? [])[judged]))
        }, blockMinutes: plan.blockMinutes)
    let baseRate = ExpandingMean.answers(examples.spans, labels: examples.ups, prior: .coin)
    let chances = Judgement(
      // Of any binary target the figures are the same.
      target: .direction(horizonMinutes: 5), times: times, labels: Array(examples.ups[judged]), folds: ranges,
      judges: [
        Judgement.Judge(name: "coin", isBaseline: true, answers: judged.map { _ in 0.5 }),
        Judgement.Judge(name: "base_rate", isBaseline: true, answers: Array(baseRate[judged])),
      ]
        + TickModel.Shape.allCases.map { shape in
          Judgement.Judge(name: shape.rawValue, isBaseline: false, answers: probabilities[shape] ?? [])
        }, blockMinutes: plan.blockMinutes)
    (self.moves, self.chances) = (moves.report(), chances.report())
    guard let verdict = moves.verdict(on: chosen.rawValue, fold: ranges.count - 1) else {
      throw TrainingError.tooFewFolds(folds.count)
    }
    self.verdict = verdict.refusedIfDoubtful
  }

  /// By the mean squared error on the last fold; the smaller one if they are equal.
  static func better(
    _ outputs: [TickModel.Shape: [Double]], _ examples: TickExamples, _ test: Range<Int>
  ) -> TickModel.Shape {
    func error(_ shape: TickModel.Shape) -> Double {
      guard let outputs = outputs[shape] else { return .infinity }
      return test.reduce(0) { sum, row in
        sum + (outputs[row] - examples.labels[row]) * (outputs[row] - examples.labels[row])
      }
    }
    return error(.sequence) < error(.point) ? .sequence : .point
  }

  /// What is printed.
  var table: String {
    "move over 60 s, basis points:\n\(moves.table)probability of up:\n\(chances.table)served: \(chosen.rawValue)\n"
  }

  /// Scope, model or baseline, metric; the chosen shape stands under the model's name too.
  var scores: [String: [String: [String: Estimate]]] {
    var scores: [String: [String: [String: Estimate]]] = [:]
    for judge in moves.judges + chances.judges {
      func add(_ scope: String, _ metrics: MetricSet) {
        let names = [judge.name] + (judge.name == chosen.rawValue ? [ModelName.mlp.rawValue] : [])
        for name in names {
          // The accuracy of a probability and that of a sign are the same question; the move's stands.
          scores[scope, default: [:]][name, default: [:]].merge(VersionWriter.figures(metrics)) { first, _ in first }
        }
      }
      add("pooled", judge.pooled)
      for (index, fold) in judge.folds.enumerated() { add("fold-\(index + 2)", fold) }
    }
    return scores
  }
}

extension GateVerdict {
  /// An interval from few blocks of one or two hours is no ground for production.
  fileprivate var refusedIfDoubtful: GateVerdict {
    guard isPassed, let warning else { return self }
    var refused = self
    refused.isPassed = false
    refused.reason = "refused: " + reason.replacing("passed: ", with: "") + ", but " + warning
    return refused
  }
}
