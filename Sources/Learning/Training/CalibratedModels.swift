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
  ///   - thinningMinutes: one decision in this many is read; neighbours' labels say almost the same.
  init(
    _ margins: [ModelName: [Double]], folds: [Fold], walk: WalkForward, examples: Examples,
    kinds: [ModelName: CalibratorFit.Kind], thinningMinutes: Int, baseRate: Double?
  ) {
    guard examples.target.isBinary, let last = folds.last else {
      calibration = Calibration(
        modelA: .identity, modelB: .identity, modelC: .identity, mlp: .identity,
        ensemble: EnsembleWeights(a: 1.0 / 3, b: 1.0 / 3, c: 1 - 2.0 / 3), baseRate: baseRate)
      return
    }
    let sample = ThinnedDecisions(
      examples, folds[0].test.lowerBound..<last.test.upperBound, everyMinutes: thinningMinutes)
    let choices = walk.outOfFold(folds, examples.spans).map(sample.fold)
    let labels = sample.picking(examples.decisionLabels(examples.decisions.indices))
    let weights = examples.decisionWeights(examples.decisions.indices).map(sample.picking)
    var calibrators: [ModelName: Calibrator] = [:]
    var logits: [ModelName: [Double]] = [:]
    for name in Self.calibrated {
      let rows = MarginRows(margins: sample.picking(margins[name] ?? []), labels: labels, weights: weights)
      let chosen = kinds[name] ?? CalibratorChoice(rows, folds: choices).kind
      let calibrator = CalibratorFit(chosen, fitting: rows).flatMap(Calibrator.init) ?? .identity
      (kindsChosen[name], calibrators[name]) = (chosen, calibrator)
      logits[name] = rows.margins.map { Probability(clipping: calibrator.probability(margin: $0)).logit }
    }
    // Half-way to equal weights: the models differ by less than a year of labels can tell.
    let shares = EnsembleFit.weights(
      logits: Self.members.map { logits[$0] ?? [] }, labels: labels, weights: weights
    ).map { ($0 + 1.0 / 3) / 2 }
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
    case .ensemble, .baseline, .linear: .identity
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

/// Some of the decisions of a range, and where ranges of decisions lie among them.
struct ThinnedDecisions {
  private let kept: [Int]

  /// One in so many of a range.
  init(_ range: Range<Int>, every step: Int) {
    kept = Array(stride(from: range.lowerBound, to: range.upperBound, by: step))
  }

  init(_ examples: Examples, _ range: Range<Int>, everyMinutes step: Int) {
    kept = range.filter { examples.decisions[$0] % step == 0 }
  }

  func picking(_ column: [Double]) -> [Double] { kept.map { column[$0] } }

  func fold(_ fold: Fold) -> Fold {
    Fold(train: RangeSet(fold.train.ranges.map(range)), test: range(fold.test))
  }

  private func range(_ decisions: Range<Int>) -> Range<Int> {
    place(decisions.lowerBound)..<place(decisions.upperBound)
  }

  /// How many kept decisions come before one.
  private func place(_ decision: Int) -> Int {
    var (low, high) = (0, kept.count)
    while low < high {
      let middle = (low + high) / 2
      if kept[middle] < decision { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
