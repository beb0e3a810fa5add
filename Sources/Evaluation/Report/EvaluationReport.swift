internal import Market
internal import Models

/// All that is stored and printed about how models did.
package struct EvaluationReport: Codable, Hashable, Sendable {
  package let target: String
  /// Baselines first, then models, in the order given.
  package let judges: [JudgeReport]
  /// Rows that some judge could not answer; they are left out for all.
  package let unansweredCount: Int

  package func judge(_ name: String) -> JudgeReport? { judges.first { $0.name == name } }
}

/// One model or baseline.
package struct JudgeReport: Codable, Hashable, Sendable {
  package let name: String
  package let isBaseline: Bool
  /// In the order of the folds.
  package let folds: [MetricSet]
  package let pooled: MetricSet
}

extension EvaluationReport {
  /// The pooled figures as lines of aligned columns, a judge a line.
  package var table: String { Self.table(judges.map { (judge: $0, metrics: $0.pooled) }, unit) }

  /// The figures of one fold, counted from 0; empty when it does not exist.
  package func table(fold: Int) -> String {
    let rows = judges.compactMap { judge in
      judge.folds.indices.contains(fold) ? (judge: judge, metrics: judge.folds[fold]) : nil
    }
    return Self.table(rows, unit)
  }

  private var unit: String { PredictionTarget(target)?.isOfTicks == true ? "bp" : "%" }

  private static func table(_ rows: [(judge: JudgeReport, metrics: MetricSet)], _ unit: String) -> String {
    guard let first = rows.first else { return "" }
    let best = bestBaseline(rows)
    let skillName = "skill over \(best ?? "baseline")"
    let header =
      first.metrics.probability != nil
      ? ["model", "rows", "log-loss", "Brier", skillName, "AUC", "accuracy", "ECE"]
      : ["model", "rows", "RMSE \(unit)", "MAE \(unit)", skillName, "sign accuracy"]
    let lines = rows.map { [$0.judge.name, String($0.metrics.rowCount)] + cells($0.metrics, best) }
    return aligned([header] + lines) + (first.metrics.warning.map { "warning: \($0)\n" } ?? "")
  }

  private static func cells(_ metrics: MetricSet, _ best: String?) -> [String] {
    if let probability = metrics.probability {
      let skill = best.flatMap { probability.brierSkill[$0] }?.percentText(digits: 2)
      return [
        probability.logLoss.text(digits: 4), fixed(probability.brier.value ?? .nan, 4), skill ?? "–",
        probability.auc.text(digits: 3), probability.accuracy.text(digits: 3),
        fixed(probability.calibrationError.value ?? .nan, 4),
      ]
    }
    guard let change = metrics.change else { return [] }
    let skill = best.flatMap { change.squaredErrorSkill[$0] }?.percentText(digits: 2)
    return [
      change.rootMeanSquaredError.text(digits: 4), change.meanAbsoluteError.text(digits: 4), skill ?? "–",
      change.signAccuracy.text(digits: 3),
    ]
  }

  private static func bestBaseline(_ rows: [(judge: JudgeReport, metrics: MetricSet)]) -> String? {
    let errors = rows.filter(\.judge.isBaseline).compactMap { row in
      (row.metrics.probability?.brier ?? row.metrics.change?.rootMeanSquaredError)?.value.map {
        (name: row.judge.name, error: $0)
      }
    }
    return errors.reduce(nil) { (best: (name: String, error: Double)?, next) in
      next.error < best?.error ?? .infinity ? next : best
    }?.name
  }

  private static func aligned(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }
}
