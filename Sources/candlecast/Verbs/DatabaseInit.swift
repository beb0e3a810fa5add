import Operations
import Storage

struct DatabaseInit: Verb {
  let name = "db init"
  let summary = "makes the tables of a store; of an older one, brings them up to date"
  let details = [
    "The first import does the same. A PostgreSQL database must be there (`createdb`), and the user needs the right to",
    "make tables in it.",
  ]
  let examples = [
    Example("candlecast db init", "the default file"),
    Example("candlecast db init --store postgres://candlecast@localhost/candlecast", "a database that createdb made"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let found = try context.store.schemaVersion()
    let newest = try context.open(.create).newestSchemaVersion()
    let (did, text) =
      switch found {
      case nil: ("made", "\(context.store): made, schema \(newest)")
      case newest: ("nothing", "\(context.store) is there already, schema \(newest); nothing to do")
      case let old?: ("migrated", "\(context.store): brought from schema \(old) to \(newest)")
      }
    context.output.present(
      ["store": .text("\(context.store)"), "did": .text(did), "from": JSONValue(found), "schema": JSONValue(newest)]
    ) { text }
    return .done
  }
}

extension Store {
  func newestSchemaVersion() throws -> Int { try snapshot().facts().newestSchemaVersion }
}
