import Operations
import Storage

struct DatabaseCopy: Verb {
  let name = "db copy"
  let summary = "carries everything of a store into an empty one, such as from DuckDB to PostgreSQL"
  let details = [
    "It is the same as a backup and a restore, without the file between: of one moment, whole or not at all, and every",
    "table is read back and compared.",
  ]
  let positionals = [
    Positional("FROM", .knob(.store, placeholder: "FROM"), .one, "the store to read"),
    Positional("TO", .knob(.store, placeholder: "TO"), .one, "the empty store to fill; made if it is not there"),
  ]
  let examples = [
    Example(
      "candlecast db copy duckdb:feature_store/bitcoin.duckdb postgres://candlecast@localhost/candlecast",
      "to the server"),
    Example(
      "candlecast db copy postgres://candlecast@localhost/candlecast duckdb:copy.duckdb", "and back, into a new file"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let choice = StoreChoice(context.configuration)
    let from = try choice.location(of: arguments.positionals[0])
    let to = try choice.location(of: arguments.positionals[1])
    guard from != to else { throw CommandError(.wrongUsage, "FROM and TO are both \(from)") }
    let source = try context.openForReading(from)
    let store = try context.open(to, .create)
    let report = try context.transfer("copy", from: source.snapshot(), into: store)
    context.output.present(
      ["from": .text(source.name), "to": .text(store.name), "copied": report.json]
    ) {
      "\(store.name): \(report.rows.grouped) rows of \(report.tables.count) tables of \(source.name); each table reads "
        + "back as it was written"
    }
    return .done
  }
}
