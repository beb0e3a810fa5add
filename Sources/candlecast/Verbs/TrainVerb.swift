struct TrainVerb: Verb {
  let name = "train"
  let summary = "fits all models going forward in time, calibrates, judges and registers a version"
  let details = [
    "Without --full-retrain the cached dataset, the hyper-parameters and the calibrators' kind of the newest version are",
    "kept and only the newest window is fitted. Ctrl-C leaves store and registry as they were.",
  ]
  let options = [
    Option.from("first candle used (default: the first stored)"),
    Option.to("candle after the last used (default: all stored)"),
    Option("--full-retrain", .flag, "make the dataset anew and walk forward through all folds"),
    Option("--refit", .flag, "then fit the judged recipe on all rows, as a version of its own"), Option.seed,
    Option.asOf,
    Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast train", "direction-15m on everything stored"),
    Example("candlecast train --target window-15m --to 2024-03-25", "windows, nothing from 25 March on"),
    Example("candlecast train --full-retrain --refit --seed 7", "from nothing, then refitted on all rows"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
