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

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
