import Evaluation
import Market
import Models
import Operations
import Pipeline
import Storage

struct EvaluateVerb: Verb {
  let name = "evaluate"
  let summary = "scores a version on a period that it has not seen"
  let details = [
    "A period that overlaps the version's training is refused. How often a period was opened is counted and shown.",
    "A benchmark file holds other people's probabilities: CSV with a time and a probability of up.",
  ]
  let options = [
    Option("--from", .time, isRequired: true, "first decision"),
    Option("--to", .time, isRequired: true, "time after the last"),
    Option("--model", .text(placeholder: "ALIAS|VERSION"), "default: production, else latest"),
    Option("--benchmark", .path, "other probabilities to compare with"),
    Option("--allow-overlap", .flag, "score on training data all the same; the result says so"), Option.asOf,
    Option.target,
    Option.view,
  ]
  let examples = [
    Example("candlecast evaluate --from 2024-03-25 --to 2024-04-01", "the last week of the bundled candles"),
    Example(
      "candlecast evaluate --target window-15m --model latest --from 2024-03-25 --to 2024-04-01 --json",
      "another target, for a program"),
  ]

  let readsModels = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let reference = arguments.text("--model")
    guard let version = try context.version(reference, context.view, context.target) else {
      throw CommandError(.badData, "nothing is registered for \(context.target)@\(context.view); train first")
    }
    let card = version.bundle.card
    let overlap = arguments.range.clamped(to: card.dataset.from..<card.dataset.to)
    guard overlap.isEmpty || arguments.has("--allow-overlap") else {
      throw CommandError(
        .badData,
        "\(card.name) was trained on \(card.dataset.from) to \(card.dataset.to), which overlaps --from and "
          + "--to; choose a later period, or --allow-overlap to see figures that prove nothing")
    }
    let run = EvaluationRun(
      context: context, version: version, baselines: try context.baselines(of: card.name), decisions: arguments.range,
      asOf: arguments.time("--as-of"),
      benchmark: try arguments.text("--benchmark").map { try BenchmarkFile(path: $0).probabilities })
    let report = try judge(run, context).report()
    let opened = try open(card, arguments.range, context)
    let result = EvaluationResult(
      context: context, card: card, period: arguments.range, overlap: overlap.isEmpty ? nil : overlap, opened: opened,
      report: report)
    context.output.present(result.json) { result.text }
    return .done
  }

  /// Gives the store back when it returns, so that it can be opened for writing.
  private func judge(_ run: EvaluationRun, _ context: CommandContext) throws -> Judgement {
    let store = try context.openBeforeWriting()
    return try run.run(from: store, rows: try context.prices(of: context.view, in: store).rows)
  }

  /// Counts how often the period was looked at with this version.
  private func open(_ card: VersionCard, _ period: Range<Timestamp>, _ context: CommandContext) throws -> Int {
    try context.openForWriting().openEvaluation(
      EvaluationOpening(view: card.view, target: card.target, version: card.name.description, period: period),
      at: context.now())
  }
}
