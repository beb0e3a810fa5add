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

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
