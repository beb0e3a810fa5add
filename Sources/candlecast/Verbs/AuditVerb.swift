struct AuditVerb: Verb {
  let name = "audit"
  let summary = "proves on the stored data that nothing leaks from the future and that all ways agree"
  let details = [
    "leakage: at random times everything later is changed; features, scaled vectors, folds, finished labels and",
    "predictions by then must keep every bit. parity: batch, one by one, restarted, replayed and patched late must give",
    "the same bits.",
  ]
  let positionals = [Positional("WHAT", .choice(["leakage", "parity"]), .one, "which proof")]
  let options = [
    Option.from("first candle used"), Option.to("candle after the last used"), Option.seed, Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast audit leakage", "at random times of all that is stored"),
    Example("candlecast audit parity --from 2024-03-01 --to 2024-03-08", "on one week"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
