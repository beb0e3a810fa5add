struct StatusVerb: Verb {
  let name = "status"
  let summary = "says what is stored: rows and range of each series, without a scan"
  let examples = [
    Example("candlecast status", "what is in the default store"),
    Example("candlecast status --store duckdb:/data/bitcoin.duckdb --json", "another store, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
