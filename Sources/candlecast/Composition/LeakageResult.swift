import Evaluation
import Market
import Models
import Operations

/// A leakage audit as it is printed.
struct LeakageResult {
  let report: LeakageReport
  let stretch: AuditStretch
  let changes: [Perturbation]
  /// Of the version that answers; `nil` if the baseline does.
  let version: VersionCard?

  func text(_ context: CommandContext) -> String {
    let cuts = report.cuts.map(\.description).joined(separator: ", ")
    var lines = [
      "\(context.target)@\(context.view), \(answering), candles from \(stretch.period.lowerBound) to "
        + "\(stretch.period.upperBound)",
      "everything after \(cuts) changed in \(changes.count) ways: "
        + "\(report.comparedCount.grouped) artefacts compared",
    ]
    lines += report.leaks.map { "LEAK: \($0)" }
    lines.append(
      report.isClean ? "no leak" : report.leaks.isEmpty ? "NOTHING to compare" : "\(report.leaks.count.grouped) LEAKS")
    return lines.joined(separator: "\n")
  }

  func json(_ context: CommandContext) -> JSONValue {
    [
      "audit": "leakage", "target": .text(context.target.description), "view": .text(context.view.description),
      "version": JSONValue(version?.name.description), "from": .text(stretch.period.lowerBound.description),
      "to": .text(stretch.period.upperBound.description), "seed": .integer(Int64(bitPattern: context.seed)),
      "cuts": .array(report.cuts.map { .text($0.description) }),
      "changes": .array(changes.map { .text($0.rawValue) }), "compared": JSONValue(report.comparedCount),
      "is_clean": .boolean(report.isClean),
      "leaks": .array(
        report.leaks.map { leak in
          [
            "artefact": .text(leak.artefact), "cut": .text(leak.cut.description),
            "time": JSONValue(leak.time?.description),
            "changes": .array(leak.perturbations.map { .text($0.rawValue) }), "count": JSONValue(leak.count),
          ]
        }),
    ]
  }

  /// A version is only asked by cuts after its training data.
  private var answering: String {
    guard let version else { return "no version (the baseline answers)" }
    let asked = report.cuts.filter { version.dataset.to <= $0 }.count
    return
      "\(version.name) (trained until \(version.dataset.to), asked at \(asked) of \(report.cuts.count) times, else "
      + "the baseline)"
  }
}
