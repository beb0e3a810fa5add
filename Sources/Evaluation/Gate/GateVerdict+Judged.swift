/// Whether a version may become `production`, and why, in words.
package struct GateVerdict: Codable, Hashable, Sendable {
  package let passed: Bool
  /// The baseline of least error; `nil` without baselines.
  package let baseline: String?
  package let skill: Estimate?
  package let reason: String
  /// Why the interval may not be believed.
  package let warning: String?
}

extension GateVerdict {
  /// Squared errors of one judge on the rows that all were judged by.
  package struct Judged: Sendable {
    package let name: String
    /// (probability − label)² or (predicted − actual change)².
    package let squaredErrors: [Double]

    package init(name: String, squaredErrors: [Double]) { (self.name, self.squaredErrors) = (name, squaredErrors) }
  }

  /// Passes if the skill over the best baseline has its whole 95 % interval above zero.
  package init(
    _ model: Judged, baselines: [Judged], weights: [Double]? = nil, bootstrap: DayBootstrap, measure: String = "Brier"
  ) {
    warning = bootstrap.warning
    let means = baselines.map { bootstrap.mean($0.squaredErrors, weights: weights).value ?? .infinity }
    guard let best = means.indices.min(by: { (means[$0], $0) < (means[$1], $1) }), !model.squaredErrors.isEmpty else {
      (passed, baseline, skill) = (false, nil, nil)
      reason = model.squaredErrors.isEmpty ? "refused: no finished decisions to judge" : "refused: no baseline to beat"
      return
    }
    let skill = bootstrap.skill(model.squaredErrors, over: baselines[best].squaredErrors, weights: weights)
    passed = skill.isAboveZero
    baseline = baselines[best].name
    self.skill = skill
    let figure =
      "\(measure) skill of \(model.name) over the best baseline, \(baselines[best].name), is "
      + skill.percentText(digits: 2)
    if skill.low == nil {
      reason = "refused: \(figure), and \(bootstrap.dayCount) day is too few for an interval"
    } else if passed {
      reason = "passed: \(figure), all of the 95 % interval above zero"
    } else {
      reason = "refused: \(figure), and the 95 % interval does not lie above zero"
    }
  }
}
