struct ExplainVerb: Verb {
  let name = "explain"
  let summary = "shows how one prediction came about and whether it can be repeated bit for bit"
  let details = [
    "The version, the inputs with their values and ages, each input's contribution, the baseline, and whether computing",
    "it again from the store gives the same bits.",
  ]
  let options = [Option("--at", .time, isRequired: true, "decision time"), Option.target, Option.view]
  let examples = [
    Example("candlecast explain --at 2024-03-31T23:45Z", "one prediction of a replay"),
    Example("candlecast explain --at 2024-03-31T23:45Z --target window-15m --json", "another target, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
