struct GapsVerb: Verb {
  let name = "gaps"
  let summary = "lists absent minutes, runs without trades, and revisions"
  let options = [Option.from("first minute looked at"), Option.to("minute after the last")]
  let examples = [
    Example("candlecast gaps", "everything stored of binance:BTCUSDT"),
    Example("candlecast gaps --from 2024-03-01 --to 2024-04-01 --json", "one month, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
