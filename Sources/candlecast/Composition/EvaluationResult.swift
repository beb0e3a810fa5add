import Evaluation
import Market
import Models
import Operations

/// An evaluation as it is printed.
struct EvaluationResult {
  let context: CommandContext
  let card: VersionCard
  let period: Range<Timestamp>
  /// The part of the period that the version was trained on.
  let overlap: Range<Timestamp>?
  /// How often this period was looked at with this version, this time included.
  let opened: Int
  let report: EvaluationReport

  var text: String {
    var lines = [
      "\(context.target)@\(context.view), \(card.name), decisions from \(period.lowerBound) to \(period.upperBound)",
      report.table,
    ]
    if let bands = headline?.probability?.accuracyByConfidence { lines.append(bandTable("confidence", bands)) }
    if let bands = headline?.probability?.accuracyByMinutesLeft { lines.append(bandTable("minutes left", bands)) }
    if report.unansweredCount > 0 {
      lines.append("\(report.unansweredCount.grouped) decisions that not every model answered are left out")
    }
    if let overlap {
      lines.append(
        "WARNING: trained on \(overlap.lowerBound) to \(overlap.upperBound) of this period; this proves nothing")
    }
    lines.append("this period was opened \(opened == 1 ? "for the first time" : "\(opened) times") with this version")
    return lines.joined(separator: "\n")
  }

  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("target", .text(context.target.description)), .init("view", .text(context.view.description)),
      .init("model", .text(card.name.description)), .init("from", .text(period.lowerBound.description)),
      .init("to", .text(period.upperBound.description)), .init("opened", JSONValue(opened)),
      .init("overlaps_training", .boolean(overlap != nil)), .init("unanswered", JSONValue(report.unansweredCount)),
    ]
    if let headline { members += figures(headline) }
    members.append(.init("baselines", .object(report.judges.filter(\.isBaseline).map(member))))
    members.append(.init("models", .object(report.judges.filter { !$0.isBaseline }.map(member))))
    return .object(members)
  }

  /// What the version as a whole says.
  private var headline: MetricSet? { report.judge(ModelName.ensemble.rawValue)?.pooled }

  private func member(_ judge: JudgeReport) -> JSONValue.Member {
    .init(judge.name, .object(figures(judge.pooled)))
  }

  private func figures(_ metrics: MetricSet) -> [JSONValue.Member] {
    var estimates: [(String, Estimate)] = []
    var skills: [String: Estimate] = [:]
    if let probability = metrics.probability {
      skills = probability.brierSkill
      estimates = [
        ("log_loss", probability.logLoss), ("brier", probability.brier), ("auc", probability.auc),
        ("accuracy", probability.accuracy), ("ece", probability.calibrationError),
      ]
    } else if let change = metrics.change {
      skills = change.squaredErrorSkill
      estimates = [
        ("rmse", change.rootMeanSquaredError), ("mae", change.meanAbsoluteError), ("accuracy", change.signAccuracy),
      ]
    }
    let skill = skills.sorted { $0.key < $1.key }
    var members: [JSONValue.Member] = [.init("n", JSONValue(metrics.rowCount))]
    members += estimates.map { .init($0.0, JSONValue($0.1.value)) }
    members.append(.init("brier_skill", .object(skill.map { .init($0.key, JSONValue($0.value.value)) })))
    members.append(
      .init(
        "intervals",
        .object(
          estimates.map { .init($0.0, interval($0.1)) }
            + skill.map { .init("brier_skill.\($0.key)", interval($0.value)) })))
    if let warning = metrics.warning { members.append(.init("warning", .text(warning))) }
    return members
  }

  private func interval(_ estimate: Estimate) -> JSONValue {
    [JSONValue(estimate.low), JSONValue(estimate.high)]
  }

  private func bandTable(_ title: String, _ bands: [AccuracyBand]) -> String {
    var table = Table([
      (title, .left), ("decisions", .right), ("accuracy", .right), ("said", .right), ("log-loss", .right),
    ])
    for band in bands {
      table.add(
        band.name, band.count.grouped, "\(band.accuracy.rounded(digits: 3))",
        "\(band.meanConfidence.rounded(digits: 3))", "\(band.logLoss.rounded(digits: 4))")
    }
    return table.text + "\n"
  }
}
