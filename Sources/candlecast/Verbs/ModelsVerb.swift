struct ModelsVerb: Verb {
  let name = "models"
  let summary = "the registry: list, show, promote, roll back, archive, history"
  let details = [
    "The registered model is named bitcoin-model. Versions have the aliases latest, candidate and production for each",
    "symbol, price source and target. Promotion needs skill over the best baseline, or --force, which the journal keeps.",
  ]
  let positionals = [
    Positional("ACTION", .choice(["list", "show", "promote", "rollback", "archive", "history"]), .one, "what to do"),
    Positional("VERSION", .text(placeholder: "ALIAS|VERSION"), .optional, "of show, promote and archive"),
  ]
  let options = [
    Option("--at", .time, "history: which version was in production then"),
    Option("--force", .flag, "promote: although the gate refused"), Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast models list", "all versions with aliases and scores"),
    Example("candlecast models show latest", "one card"),
    Example("candlecast models promote latest --target window-15m", "into production, if the gate lets it"),
    Example("candlecast models history --at 2024-04-01T12:00Z", "what answered at that time"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
