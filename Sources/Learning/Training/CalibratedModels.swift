internal import Evaluation
internal import Market
internal import Models

/// Calibrators and ensemble weights, learnt from predictions of rows that the models had not seen.
struct CalibratedModels {
  static let members: [ModelName] = [.a, .b, .c]
  static let calibrated: [ModelName] = [.a, .b, .c, .mlp]

  let calibration: Calibration
  /// What kind each model got; empty where probabilities stay as they are.
  private(set) var kindsChosen: [ModelName: CalibratorFit.Kind] = [:]

  /// - Parameters:
  ///   - margins: by decision, NaN where no fold has predicted.
  ///   - folds: the finished folds to learn from; with none, probabilities stay as the models give them.
  ///   - kinds: what is not to be chosen.
  init(
    _ margins: [ModelName: [Double]], folds: [Fold], walk: WalkForward, examples: Examples,
    kinds: [ModelName: CalibratorFit.Kind],
    baseRate: Double?
  ) {
    guard examples.target.isBinary, let last = folds.last else {
      calibration = Calibration(
        modelA: .identity, modelB: .identity, modelC: .identity, mlp: .identity,
        ensemble: EnsembleWeights(a: 1.0 / 3, b: 1.0 / 3, c: 1 - 2.0 / 3), baseRate: baseRate)
      return
    }
    let all = examples.decisions.indices
    let labels = examples.decisionLabels(all)
    let weights = examples.decisionWeights(all)
    let rows = Array(folds[0].test.lowerBound..<last.test.upperBound)
    var calibrators: [ModelName: Calibrator] = [:]
    for name in Self.calibrated {
      let margins = MarginRows(margins: margins[name] ?? [], labels: labels, weights: weights)
      let chosen = kinds[name] ?? CalibratorChoice(margins, folds: walk.outOfFold(folds, examples.spans)).kind
      kindsChosen[name] = chosen
      calibrators[name] = CalibratorFit(chosen, fitting: margins.selecting(rows)).flatMap(Calibrator.init) ?? .identity
    }
    let logits = Self.members.map { name in
      rows.map { row in
        Probability(clipping: (calibrators[name] ?? .identity).probability(margin: margins[name]?[row] ?? .nan)).logit
      }
    }
    let shares = EnsembleFit.weights(
      logits: logits, labels: rows.map { labels[$0] }, weights: weights.map { weights in rows.map { weights[$0] } })
    calibration = Calibration(
      modelA: calibrators[.a], modelB: calibrators[.b], modelC: calibrators[.c], mlp: calibrators[.mlp],
      ensemble: EnsembleWeights(a: shares[0], b: shares[1], c: 1 - shares[0] - shares[1]), baseRate: baseRate)
  }

  /// What serving would answer for a decision's margins: probabilities, or percent changes.
  func answers(_ margins: [ModelName: [Double]], decisions: Range<Int>, isBinary: Bool) -> [ModelName: [Double]] {
    var answers: [ModelName: [Double]] = [:]
    for name in Self.calibrated {
      let calibrator = calibrator(name)
      answers[name] = decisions.map { row in
        let margin = margins[name]?[row] ?? .nan
        return isBinary ? calibrator.probability(margin: margin) : margin
      }
    }
    answers[.ensemble] = decisions.indices.map { index in
      let voices = Self.members.map { name -> Double in
        let answer = answers[name]?[index - decisions.lowerBound] ?? .nan
        return isBinary ? Probability(clipping: answer).logit : answer
      }
      guard let mean = calibration.ensemble?.mean(a: voices[0], b: voices[1], c: voices[2]) else { return .nan }
      return isBinary ? Probability(logit: mean).value : mean
    }
    return answers
  }

  var kinds: [String: String] {
    Dictionary(uniqueKeysWithValues: Self.calibrated.map { ($0.rawValue, calibrator($0).kind) })
  }

  private func calibrator(_ name: ModelName) -> Calibrator {
    switch name {
    case .a: calibration.modelA ?? .identity
    case .b: calibration.modelB ?? .identity
    case .c: calibration.modelC ?? .identity
    case .mlp: calibration.mlp ?? .identity
    case .ensemble, .baseline: .identity
    }
  }
}

extension Calibrator {
  /// `nil` only for isotonic points that do not ascend.
  init?(_ fit: CalibratorFit) {
    switch fit {
    case .platt(let parameters): self = .platt(slope: parameters.a, intercept: parameters.b)
    case .beta(let parameters): self = .beta(a: parameters.a, b: parameters.b, c: parameters.c)
    case .isotonic(let parameters):
      guard let points = Points(margins: parameters.thresholds, probabilities: parameters.values) else { return nil }
      self = .isotonic(points)
    }
  }
}
