import Market
import Operations
import Storage

struct StatusVerb: Verb {
  let name = "status"
  let summary = "says what is stored: candles, an oracle's prices, the ledger of a live feed, and open quality events"
  let examples = [
    Example("candlecast status", "what is in the default store"),
    Example("candlecast status --store duckdb:/data/bitcoin.duckdb --json", "another store, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let status = try StoreStatus(try context.openForReading())
    context.output.present(status.json) { status.text }
    return .done
  }
}

/// What a store holds, in totals.
struct StoreStatus {
  private static let shownEvents = 100

  let path: String
  let series: [SeriesSummary]
  let oracles: [OracleSummary]
  let ledgers: [LedgerSummary]
  /// Newest first.
  let openEvents: [QualityEvent]

  init(_ store: any Store) throws {
    path = store.name
    series = try store.status()
    oracles = try store.oracleSummaries()
    ledgers = try store.ledgerSummaries()
    openEvents = try store.qualityEvents(nil, unresolvedOnly: true, limit: Self.shownEvents)
  }

  var json: JSONValue {
    [
      "store": .text(path), "series": .array(series.map(\.json)), "oracles": .array(oracles.map(\.json)),
      "ledger": .array(ledgers.map(\.json)), "open_quality_events": .array(openEvents.map(\.json)),
    ]
  }

  /// A table for each kind of thing that there is.
  var text: String {
    let tables = [candleTable, oracleTable, ledgerTable, eventTable].filter { !$0.rows.isEmpty }
    guard !tables.isEmpty else { return "\(path) holds no candles; `candlecast import` brings some" }
    return tables.map(\.text).joined(separator: "\n\n")
  }

  private var candleTable: Table {
    var table = Table([("series", .left), ("rows", .right), ("first", .left), ("last", .left), ("revisions", .right)])
    for one in series {
      table.add(
        one.series.description, one.rows.grouped, one.firstOpenTime.description, one.lastOpenTime.description,
        one.revisions.grouped)
    }
    return table
  }

  private var oracleTable: Table {
    var table = Table([("oracle", .left), ("prices", .right), ("first", .left), ("last", .left)])
    for one in oracles {
      table.add(one.series.description, one.ticks.grouped, one.first.description, one.last.description)
    }
    return table
  }

  private var ledgerTable: Table {
    var table = Table([
      ("ledger", .left), ("of", .left), ("live", .right), ("patched", .right), ("missing", .right), ("lost", .right),
    ])
    for one in ledgers {
      table.add(
        one.series.description, one.kind.rawValue, Int(one.live).grouped, Int(one.patched).grouped,
        Int(one.missing).grouped, Int(one.lost).grouped)
    }
    return table
  }

  private var eventTable: Table {
    var table = Table([("open event", .left), ("series", .left), ("since", .left), ("details", .left)])
    for event in openEvents {
      table.add(event.type, event.series.description, event.createdAt.description, event.details)
    }
    return table
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

extension OracleSummary {
  fileprivate var json: JSONValue {
    [
      "series": .text(series.description), "prices": JSONValue(ticks), "first": .text(first.description),
      "last": .text(last.description),
    ]
  }
}

extension LedgerSummary {
  fileprivate var json: JSONValue {
    [
      "series": .text(series.description), "of": .text(kind.rawValue), "live": .integer(live),
      "patched": .integer(patched), "missing": .integer(missing), "lost": .integer(lost),
    ]
  }
}

extension QualityEvent {
  fileprivate var json: JSONValue {
    [
      "type": .text(type), "series": .text(series.description), "since": .text(createdAt.description),
      "candles_missing": JSONValue(candlesMissing), "details": .text(details),
    ]
  }
}
