import Market
import Operations
import Storage

struct ExplainVerb: Verb {
  let name = "explain"
  let summary = "shows how one prediction came about and whether it can be repeated bit for bit"
  let details = [
    "The version, the inputs with their values and ages, each input's contribution, the baseline, and whether computing",
    "it again from the store gives the same bits. An age below zero: the candle came that long after its close.",
  ]
  let options = [Option("--at", .time, isRequired: true, "decision time"), Option.target, Option.view]
  let examples = [
    Example("candlecast explain --at 2024-03-31T23:45Z", "one prediction of a replay"),
    Example("candlecast explain --at 2024-03-31T23:40Z --target window-15m --json", "another target, for a program"),
    Example("candlecast explain --at 2026-11-22T10:00:01.5Z --target move-60s", "between candles, from the tape"),
  ]

  let readsModels = true
  let takesTickTargets = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    guard let time = arguments.time("--at") else { throw UsageError.missingOption("--at", verb: name) }
    let store = try context.openForReading()
    guard !context.target.isOfTicks else { return try explainTicks(at: time, store, context) }
    let prices = try context.prices(of: context.view, in: store)
    guard let explanation = try explain(time, store, prices.rows, context) else {
      throw context.noDecision(at: time, prices)
    }
    let stored = try StoredComparison(explanation.predictions, store)
    context.output.present(explanation.json(stored)) { explanation.text(stored) }
    return .done
  }

  private func explainTicks(at time: Timestamp, _ store: any Store, _ context: CommandContext) throws -> ExitCode {
    guard let explanation = try TickExplanation.of(context.target, at: time, from: store, context) else {
      throw CommandError(
        .badData,
        "the tape has no prediction between candles at \(time): its moments are multiples of "
          + "inference.interval_seconds, and old segments are removed")
    }
    let stored = try StoredComparison(explanation.predictions, store)
    context.output.present(explanation.json(stored)) { explanation.text(stored) }
    return .done
  }

  private func explain(
    _ time: Timestamp, _ store: any Store, _ rows: Int, _ context: CommandContext
  ) throws -> Explanation? {
    var run = HistoryRun(view: context.view, mode: .predict)
    run.serve(context.target, with: try context.servedVersion(context.view, context.target))
    var explanation: Explanation?
    var bar = context.progress("explain", unit: "candles", total: Int64(rows))
    try run.run(
      time..<time.adding(microseconds: 1), from: store,
      onCandle: { count in
        bar.update(Int64(count))
        if context.isStopRequested { throw CommandError(.failed, "stopped") }
      },
      onDecision: { pipeline, predictions in
        guard !predictions.isEmpty else { return }
        explanation = Explanation(pipeline, predictions, target: context.target)
      })
    bar.finish()
    return explanation
  }
}
