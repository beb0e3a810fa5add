import Market
import Operations
import Storage

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

  let takesTickTargets = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let path = try arguments.tablePath()
    let store = try context.openForReading()
    let rows = try export(arguments, to: path, from: store, context)
    context.output.present(["file": .text(path), "rows": JSONValue(rows)]) { "\(path): \(rows.grouped) rows" }
    return .done
  }

  private func export(
    _ arguments: ParsedArguments, to path: String, from store: any Store, _ context: CommandContext
  ) throws -> Int {
    if arguments.positionals[0] == "candles" {
      let series = try context.prices(of: MarketView(price: context.view.price), in: store).series
      return try store.exportCandles(
        series, in: arguments.range, asOf: arguments.time("--as-of") ?? .distantFuture, to: path)
    }
    let filter = PredictionFilter(
      range: arguments.range, view: arguments.has("--view") ? context.view : nil,
      target: arguments.has("--target") ? context.target : nil)
    return try store.exportPredictions(filter, to: path)
  }
}

extension ParsedArguments {
  /// `--out`, whose ending chooses the format.
  func tablePath() throws -> String {
    let path = text("--out") ?? ""
    guard path.hasSuffix(".csv") || path.hasSuffix(".parquet") else {
      throw CommandError(.wrongUsage, "--out \(path): the file must end in .csv or .parquet")
    }
    return path
  }
}
