package import Models

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
    let means = baselines.map { bootstrap.mean($0.squaredErrors, weights: weights).value ?? .infinity }
    guard let best = means.indices.min(by: { (means[$0], $0) < (means[$1], $1) }), !model.squaredErrors.isEmpty else {
      let why = model.squaredErrors.isEmpty ? "no finished decisions to judge" : "no baseline to beat"
      self.init(isPassed: false, reason: "refused: \(why)", warning: bootstrap.warning)
      return
    }
    let skill = bootstrap.skill(model.squaredErrors, over: baselines[best].squaredErrors, weights: weights)
    let figure =
      "\(measure) skill of \(model.name) over the best baseline, \(baselines[best].name), is "
      + skill.percentText(digits: 2)
    self.init(
      isPassed: skill.isAboveZero, reason: Self.reason(skill, figure, bootstrap.extent), skill: skill,
      baseline: baselines[best].name, warning: bootstrap.warning)
  }

  private static func reason(_ skill: Estimate, _ figure: String, _ extent: String) -> String {
    if skill.low == nil { return "refused: \(figure), and \(extent) is too few for an interval" }
    if skill.isAboveZero { return "passed: \(figure), all of the 95 % interval above zero" }
    return "refused: \(figure), and the 95 % interval does not lie above zero"
  }
}
