import Market
import Operations
import Storage

struct DatabaseBackup: Verb {
  let name = "db backup"
  let summary = "writes everything of a store into one checksummed file"
  let details = [
    "The file is of one moment, and is there whole or not at all. It can be restored to a DuckDB file or to PostgreSQL.",
    "Of a folder, it gets a name with the time. The models are files of their own and not in it.",
  ]
  let positionals = [Positional("PATH", .path, .one, "a new file, or a folder that is there")]
  let examples = [
    Example("candlecast db backup bitcoin.backup", "the default file"),
    Example("candlecast db backup backups --store postgres://candlecast@localhost/candlecast", "into a folder"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let store = try context.openForReading()
    let now = context.now()
    let path = BackupFolder.path(for: arguments.positionals[0], at: now)
    let snapshot = try store.snapshot()
    let total = try snapshot.tables().reduce(0) { try $0 + snapshot.rows(of: $1) }
    var bar = context.progress("backup", unit: "rows", total: Int64(total))
    defer { bar.finish() }
    let manifest = try BackupWriter.write(snapshot, to: path, madeAt: now) { rows in
      bar.update(Int64(rows))
      if context.isStopRequested { throw DatabaseWorkStopped(what: "there is no backup") }
    }
    bar.finish()
    context.output.present(
      [
        "store": .text(store.name), "backup": .text(path), "rows": JSONValue(manifest.rows),
        "bytes": JSONValue(BackupFolder.bytes(of: path)),
        "tables": .array(manifest.tables.map { ["name": .text($0.table.name), "rows": JSONValue($0.rows)] }),
      ]
    ) {
      "\(path): \(manifest.rows.grouped) rows of \(manifest.tables.count) tables, "
        + "\(BackupFolder.bytes(of: path).grouped) bytes"
    }
    return .done
  }
}
