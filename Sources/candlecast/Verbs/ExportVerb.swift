struct ExportVerb: Verb {
  let name = "export"
  let summary = "writes stored candles or predictions to a file"
  let details = [
    "The file's ending chooses Parquet or CSV. Candles have the columns that import reads, with eight decimals."
  ]
  let positionals = [Positional("WHAT", .choice(["candles", "predictions"]), .one, "what to write")]
  let options = [
    Option("--out", .path, isRequired: true, "F.parquet or F.csv"), Option.from("first candle or decision"),
    Option.to("time after the last"), Option.asOf, Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast export candles --out candles.parquet", "all candles of the series"),
    Example("candlecast export candles --as-of 2024-03-02 --out then.csv", "what could be known on 2 March"),
    Example("candlecast export predictions --target window-15m --out predictions.csv", "what was predicted"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
