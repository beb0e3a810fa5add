import Market
import Operations
import Serving
import Storage

struct PredictVerb: Verb {
  let name = "predict"
  let summary = "predicts once, at the newest stored candle or at a time"
  let options = [
    Option("--at", .time, "decision time (default: the newest candle's close)"), Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast predict", "now, as far as the store knows"),
    Example("candlecast predict --at 2024-03-31T23:45Z --json", "at a moment of the past"),
  ]

  let readsModels = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let (predictions, prices) = try predict(arguments, context)
    guard !predictions.isEmpty else {
      throw context.noDecision(at: arguments.time("--at") ?? prices.period.upperBound, prices)
    }
    let added = try context.openForWriting().insert(predictions)
    try InferenceLog(folder: context.logFolder).append(predictions)
    context.output.present(
      ["predictions": .array(predictions.map(\.json)), "added": JSONValue(added)]
    ) { PredictionTable.text(predictions) }
    return .done
  }

  private func predict(
    _ arguments: ParsedArguments, _ context: CommandContext
  ) throws -> (predictions: [Prediction], prices: SeriesSummary) {
    let store = try context.openBeforeWriting()
    let prices = try context.prices(of: context.view, in: store)
    let time = arguments.time("--at") ?? prices.period.upperBound
    var run = HistoryRun(view: context.view, mode: .predict)
    run.serve(context.target, with: try context.servedVersion(context.view, context.target))
    var found: [Prediction] = []
    try run.run(time..<time.adding(microseconds: 1), from: store) { _, predictions in found = predictions }
    return (found, prices)
  }
}
