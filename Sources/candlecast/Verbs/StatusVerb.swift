import Market
import Operations
import Storage

struct StatusVerb: Verb {
  let name = "status"
  let summary = "says what is stored: rows and range of each series, without a scan"
  let examples = [
    Example("candlecast status", "what is in the default store"),
    Example("candlecast status --store duckdb:/data/bitcoin.duckdb --json", "another store, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let store = try context.openForReading()
    let series = try store.status()
    context.output.present(["store": .text(store.path), "series": .array(series.map(\.json))]) {
      guard !series.isEmpty else { return "\(store.path) holds no candles; `candlecast import` brings some" }
      var table = Table([("series", .left), ("rows", .right), ("first", .left), ("last", .left), ("revisions", .right)])
      for one in series {
        table.add(
          one.series.description, one.rows.grouped, one.firstOpenTime.description, one.lastOpenTime.description,
          one.revisions.grouped)
      }
      return table.text
    }
    return .done
  }
}

extension SeriesSummary {
  var json: JSONValue {
    [
      "series": .text(series.description), "rows": JSONValue(rows), "first": .text(firstOpenTime.description),
      "last": .text(lastOpenTime.description), "revisions": JSONValue(revisions),
    ]
  }
}
