import Operations
import Storage

/// Looks after a store as a whole.
struct DatabaseVerb: VerbGroup {
  let name = "db"
  let summary = "makes, migrates, checks, backs up, restores and copies a store"
  let details = [
    "A store is a DuckDB file, duckdb:PATH, or a PostgreSQL database, postgres://USER@HOST/DATABASE. Either can be",
    "restored from a backup of the other one, and copied into the other one.",
  ]
  let actions: [any Verb] = [
    DatabaseInit(), DatabaseMigrate(), DatabaseStatus(), DatabaseCheck(), DatabaseBackup(), DatabaseRestore(),
    DatabaseCopy(),
  ]
}

/// The work was stopped by a signal.
struct DatabaseWorkStopped: ExitCoded, CustomStringConvertible {
  let what: String
  var exitCode: ExitCode { .failed }
  var description: String { "stopped; \(what)" }
}

extension CommandContext {
  /// Lets a transfer draw its progress, and end when that was asked for.
  func transfer(
    _ label: String, from source: any TableSource, into store: any Transferable
  ) throws -> TableTransfer.Report {
    var bar: ProgressBar?
    defer { bar?.finish() }
    return try TableTransfer.run(from: source, into: store) { progress in
      if bar == nil { bar = self.progress(label, unit: "rows, and read back", total: Int64(progress.total)) }
      bar?.update(Int64(progress.rows))
      if isStopRequested { throw DatabaseWorkStopped(what: "the store is as empty as it was") }
    }
  }
}

extension TableTransfer.Report {
  var json: JSONValue {
    [
      "rows": JSONValue(rows),
      "tables": .array(tables.map { ["name": .text($0.name), "rows": JSONValue($0.rows)] }),
    ]
  }
}
