import Operations
import Storage

struct DatabaseStatus: Verb {
  let name = "db status"
  let summary = "says which schema a store has, how large it is, and how many rows each table has"
  let details = ["`candlecast status` says what is in them."]
  let examples = [
    Example("candlecast db status", "the default file"),
    Example("candlecast db status --store postgres://candlecast@localhost/candlecast --json", "for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let snapshot = try context.openForReading().snapshot()
    let facts = try snapshot.facts()
    let tables = try snapshot.tables().map { (name: $0.name, rows: try snapshot.rows(of: $0)) }
    let isOld = facts.schemaVersion < facts.newestSchemaVersion
    context.output.present(
      [
        "store": .text(snapshot.name), "engine": .text(facts.engine), "schema": JSONValue(facts.schemaVersion),
        "newest_schema": JSONValue(facts.newestSchemaVersion), "bytes": JSONValue(facts.bytes),
        "facts": .object(facts.others.map { .init($0.name, .text($0.value)) }),
        "tables": .array(tables.map { ["name": .text($0.name), "rows": JSONValue($0.rows)] }),
      ]
    ) {
      var lines = [
        "store   \(snapshot.name)", "engine  \(facts.engine)",
        "schema  \(facts.schemaVersion)"
          + (isOld ? " of \(facts.newestSchemaVersion): run `candlecast db migrate`" : ""),
        "size    \((Double(facts.bytes) / 1e6).tenths) MB",
      ]
      lines += facts.others.map { "\($0.name): \($0.value)" }
      var table = Table([("table", .left), ("rows", .right)])
      for one in tables { table.add(one.name, one.rows.grouped) }
      return lines.joined(separator: "\n") + "\n\n" + table.text
    }
    return .done
  }
}

extension Double {
  /// With one digit after the point.
  fileprivate var tenths: String {
    let whole = Int64((self * 10).rounded())
    return "\((whole / 10).grouped).\(whole % 10)"
  }
}
