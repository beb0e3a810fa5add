import Operations
import Storage

struct DatabaseMigrate: Verb {
  let name = "db migrate"
  let summary = "brings the tables of an older store up to date, step by step and each step whole"
  let details = [
    "Steps only go forward: make a backup first if the older program is to be used again. A store of a newer version is",
    "refused. Whatever writes to a store does this too when it opens it.",
  ]
  let examples = [
    Example("candlecast db migrate", "the default file"),
    Example("candlecast db migrate --store postgres://candlecast@localhost/candlecast --json", "for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    guard let found = try context.store.schemaVersion() else {
      throw CommandError(.unreachable, "\(context.store): there is no store; `candlecast db init` makes one")
    }
    let newest = try context.open(.existing).newestSchemaVersion()
    let steps = found < newest ? Array(found + 1...newest) : []
    context.output.present(
      [
        "store": .text("\(context.store)"), "from": JSONValue(found), "to": JSONValue(newest),
        "steps": .array(steps.map { JSONValue($0) }),
      ]
    ) {
      guard !steps.isEmpty else { return "\(context.store) has schema \(newest) already; nothing to do" }
      let lines = steps.map { "step \($0) of \(newest)" }
      return (lines + ["\(context.store): brought from schema \(found) to \(newest)"]).joined(separator: "\n")
    }
    return .done
  }
}
