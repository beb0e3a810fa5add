package import Market
package import Models

/// Decisions whose outcomes are known, with what every model and baseline said of them.
package struct Judgement: Sendable {
  /// What one model or baseline said.
  package struct Judge: Sendable {
    package let name: String
    package let isBaseline: Bool
    /// Probabilities of up, or changes in the target's unit; NaN for no answer.
    package let answers: [Double]

    package init(name: String, isBaseline: Bool, answers: [Double]) {
      (self.name, self.isBaseline, self.answers) = (name, isBaseline, answers)
    }
  }

  package let target: PredictionTarget
  /// Sorted by fold, each in order of time.
  package let times: [Timestamp]
  package let labels: [Double]
  package let weights: [Double]?
  /// For windows.
  package let minutesLeft: [Int]?
  /// Rows of each fold.
  package let folds: [Range<Int>]
  package let judges: [Judge]
  /// What intervals are drawn from; a day, or less where outcomes are certain soon.
  package let blockMinutes: Int

  package init(
    target: PredictionTarget, times: [Timestamp], labels: [Double], weights: [Double]? = nil,
    minutesLeft: [Int]? = nil, folds: [Range<Int>], judges: [Judge], blockMinutes: Int = DayBootstrap.minutesPerDay
  ) {
    precondition(judges.allSatisfy { $0.answers.count == labels.count } && times.count == labels.count)
    self.target = target
    self.times = times
    self.labels = labels
    self.weights = weights
    self.minutesLeft = minutesLeft
    self.folds = folds
    self.judges = judges
    self.blockMinutes = blockMinutes
  }

  /// Figures for each judge, fold by fold and pooled, on the rows that all of them answered.
  package func report() -> EvaluationReport {
    let answered = labels.indices.map { row in
      labels[row].isFinite && judges.allSatisfy { $0.answers[row].isFinite }
    }
    let byFold = folds.map { fold in metrics(fold.filter { answered[$0] }) }
    let pooled = metrics(folds.flatMap { $0.filter { answered[$0] } })
    let reports = judges.indices.map { index in
      JudgeReport(
        name: judges[index].name, isBaseline: judges[index].isBaseline, folds: byFold.map { $0[index] },
        pooled: pooled[index])
    }
    let unanswered = folds.reduce(0) { $0 + $1.count { !answered[$0] } }
    return EvaluationReport(
      target: target.description, judges: reports.filter(\.isBaseline) + reports.filter { !$0.isBaseline },
      unansweredCount: unanswered)
  }

  /// The verdict on one model over the rows of one fold.
  package func verdict(on name: String, fold: Int) -> GateVerdict? {
    guard let model = judges.first(where: { $0.name == name }), folds.indices.contains(fold) else { return nil }
    let rows = folds[fold].filter { row in labels[row].isFinite && judges.allSatisfy { $0.answers[row].isFinite } }
    func judged(_ judge: Judge) -> GateVerdict.Judged {
      GateVerdict.Judged(
        name: judge.name,
        squaredErrors: rows.map { row in
          (judge.answers[row] - labels[row]) * (judge.answers[row] - labels[row])
        })
    }
    return GateVerdict(
      judged(model), baselines: judges.filter(\.isBaseline).map(judged),
      weights: weights.map { weights in rows.map { weights[$0] } },
      bootstrap: DayBootstrap(times: rows.map { times[$0] }, blockMinutes: blockMinutes),
      measure: target.isBinary ? "Brier" : "squared-error")
  }

  private func metrics(_ rows: [Int]) -> [MetricSet] {
    let bootstrap = DayBootstrap(times: rows.map { times[$0] }, blockMinutes: blockMinutes)
    return judges.map { judge in
      MetricSet(
        rowCount: rows.count, dayCount: bootstrap.dayCount, warning: bootstrap.warning,
        probability: target.isBinary ? probabilityMetrics(judge, rows, bootstrap) : nil,
        change: target.isBinary ? nil : changeMetrics(judge, rows, bootstrap))
    }
  }

  private func probabilityMetrics(_ judge: Judge, _ rows: [Int], _ bootstrap: DayBootstrap) -> ProbabilityMetrics {
    let scored = scored(judge, rows)
    let errors = scored.squaredErrors
    return ProbabilityMetrics(
      logLoss: bootstrap.mean(scored.logLosses, weights: scored.weights),
      brier: bootstrap.mean(errors, weights: scored.weights),
      brierSkill: skills(judge) {
        bootstrap.skill(errors, over: self.scored($0, rows).squaredErrors, weights: scored.weights)
      },
      auc: bootstrap.auc(scored), accuracy: bootstrap.mean(scored.hits, weights: scored.weights),
      calibrationError: bootstrap.calibrationError(scored),
      quantileCalibrationError: rows.isEmpty ? 0 : scored.quantileCalibrationError(),
      baseRate: rows.isEmpty ? 0.5 : scored.baseRate, reliability: scored.reliability(),
      accuracyByConfidence: scored.accuracyByConfidence,
      accuracyByMinutesLeft: minutesLeft.map { minutes in scored.accuracy(by: rows.map { minutes[$0] }) })
  }

  private func changeMetrics(_ judge: Judge, _ rows: [Int], _ bootstrap: DayBootstrap) -> ChangeMetrics {
    let changes = changes(judge, rows)
    let errors = changes.squaredErrors
    return ChangeMetrics(
      rootMeanSquaredError: bootstrap.rootMean(errors), meanAbsoluteError: bootstrap.mean(changes.absoluteErrors),
      squaredErrorSkill: skills(judge) { bootstrap.skill(errors, over: self.changes($0, rows).squaredErrors) },
      signAccuracy: bootstrap.mean(changes.hits))
  }

  private func skills(_ judge: Judge, _ skill: (Judge) -> Estimate) -> [String: Estimate] {
    let others = judges.filter { $0.isBaseline && $0.name != judge.name }
    return Dictionary(uniqueKeysWithValues: others.map { ($0.name, skill($0)) })
  }

  private func scored(_ judge: Judge, _ rows: [Int]) -> Scored {
    Scored(probabilities: judge.answers, labels: labels, weights: weights).selecting(rows)
  }

  private func changes(_ judge: Judge, _ rows: [Int]) -> ScoredChanges {
    ScoredChanges(predictions: rows.map { judge.answers[$0] }, labels: rows.map { labels[$0] })
  }
}
