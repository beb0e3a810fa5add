import Market
import Operations
import Storage

struct DatabaseRestore: Verb {
  let name = "db restore"
  let summary = "puts everything of a backup into an empty store, whole or not at all"
  let details = [
    "The checksums of the backup are compared before anything is written, and every table is read back and compared",
    "before it counts. The store is made if it is not there; one that holds anything is refused.",
  ]
  let positionals = [Positional("PATH", .path, .one, "what `candlecast db backup` wrote")]
  let examples = [
    Example("candlecast db restore bitcoin.backup --store duckdb:restored/bitcoin.duckdb", "into a new file"),
    Example(
      "candlecast db restore bitcoin.backup --store postgres://candlecast@localhost/candlecast", "into PostgreSQL"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let backup = try BackupFile(arguments.positionals[0])
    try verify(backup, context)
    let store = try context.open(.create)
    let report = try context.transfer("restore", from: backup, into: store)
    context.output.present(
      [
        "store": .text(store.name), "backup": .text(backup.path), "made_at": .text(backup.manifest.madeAt.description),
        "restored": report.json,
      ]
    ) {
      "\(store.name): \(report.rows.grouped) rows of \(report.tables.count) tables, as they were at "
        + "\(backup.manifest.madeAt); each table reads back as it was written"
    }
    return .done
  }

  private func verify(_ backup: BackupFile, _ context: CommandContext) throws {
    var bar = context.progress("verify", unit: "bytes", total: nil)
    defer { bar.finish() }
    try backup.verify { done, _ in
      bar.update(Int64(done))
      if context.isStopRequested { throw DatabaseWorkStopped(what: "nothing was written") }
    }
  }
}
