struct FeaturesVerb: Verb {
  let name = "features"
  let summary = "computes every feature of a range and writes them to a file"
  let details = [
    "One row a minute, raw values, null in warm-up and after long holes. The first column is open_time_ms."
  ]
  let options = [
    Option("--out", .path, isRequired: true, "F.parquet or F.csv"), Option.from("first minute written"),
    Option.to("minute after the last"), Option.asOf, Option.view,
  ]
  let examples = [
    Example("candlecast features --out features.parquet", "all minutes"),
    Example("candlecast features --from 2024-03-01 --to 2024-03-02 --out day.csv", "one day as CSV"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw CommandError.notBuilt(name)
  }
}
