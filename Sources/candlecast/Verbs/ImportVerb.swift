import Ingestion
import Market
import Operations
import Storage

struct ImportVerb: Verb {
  let name = "import"
  let summary = "reads candles from files and archives into the store, or archived trades onto a tape"
  let details = [
    "Reads CSV (plain, .gz or .zst) with the columns open_time_ms, open, high, low, close, volume, quote_volume, trades,",
    "taker_buy_base, taker_buy_quote; Binance's archive files (12 columns, CSV or zip, milliseconds or microseconds; a",
    ".CHECKSUM beside a file is verified); and Parquet. A file that was imported before changes nothing; a row that",
    "differs from the stored one becomes a revision. A file is taken in whole or not at all.",
    "What is older than data.retention_candles_days is pinned: no cleanup takes it, unless --no-pin lets it.",
    "Binance's archives of trades and aggTrades (by their names, or with --kind trades) become tapes under",
    "tape.directory, which `candlecast replay --recording` plays back.",
    "s3://bucket/prefix, folders and single .avro files are archives as `candlecast archive` writes them, or Avro files of",
    "others with their fields: of each day the newest revision is verified and taken in, predictions and trades too.",
  ]
  let positionals = [Positional("PATH", .path, .many, "files to read, folders or s3:// prefixes of archives")]
  let options = [
    Option(
      "--on-error", .choice(["reject", "skip"]),
      "bad rows: reject the whole file (default), or skip, count and list them"),
    Option("--no-pin", .flag, "let the cleanup take what is older than its retention"),
    Option("--kind", .choice(["candles", "trades"]), "what the files hold (default: what their names say)"),
  ]
  let examples = [
    Example("candlecast import Data/BTCUSDT_binance_spot_1m_20240117_20240331.csv.zst", "the bundled candles"),
    Example("candlecast import --on-error skip archive/BTCUSDT-1m-2024-03.zip", "a month of Binance's archive"),
    Example("candlecast import BTCUSDT-aggTrades-2024-03-31.zip", "a day of trades, onto a tape"),
    Example("candlecast import s3://bucket/candlecast", "what `candlecast archive` wrote there"),
    Example("candlecast import --venue coinbase --symbol BTC-USD coinbase.csv", "another venue: a series of its own"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let policy = arguments.text("--on-error").flatMap(BadRowPolicy.init) ?? .reject
    let pins = arguments.has("--no-pin") ? nil : ImportPins(context)
    if arguments.positionals.contains(where: ArchiveReading.takes) {
      return try importArchives(arguments.positionals, policy, pins, context)
    }
    if holdsTrades(arguments) { return try importTrades(arguments.positionals, policy, context) }
    let importer = CandleImport(series: context.series, knownAt: context.now(), policy: policy)
    let store = try context.openForWriting()
    var reports: [ImportReport] = []
    var failures: [(path: String, error: any Error)] = []
    for path in arguments.positionals {
      do {
        reports.append(try run(importer, path, into: store, context))
      } catch let error as Stopped {
        _ = try pin(reports, pins, in: store, context)
        throw error
      } catch {
        guard arguments.positionals.count > 1 else { throw error }
        failures.append((path, error))
        context.log.write(.error, "import", "\(error)")
      }
    }
    let pinned = try pin(reports, pins, in: store, context)
    let summary = try store.summary(of: context.series)
    context.output.present(json(reports, pinned, summary)) {
      text(reports, pinned.compactMap { pins?.text($0) }, summary)
    }
    return failures.first.map { Program.exitCode(of: $0.error) } ?? .done
  }

  private func pin(
    _ reports: [ImportReport], _ pins: ImportPins?, in store: any Store, _ context: CommandContext
  ) throws -> [ImportPins.Imported] {
    let imported = reports.compactMap(\.range).map { ImportPins.Imported(series: context.series, range: $0) }
    return try pins?.pin(imported, in: store) ?? []
  }

  private func importArchives(
    _ paths: [String], _ policy: BadRowPolicy, _ pins: ImportPins?, _ context: CommandContext
  ) throws -> ExitCode {
    if let other = paths.first(where: { !ArchiveReading.takes($0) }) {
      throw UsageError.contradiction("\(other) is no archive: import archives and other files by separate commands")
    }
    let result = try Blocking.run { try await ArchiveReading(context: context, policy: policy, pins: pins).run(paths) }
    context.output.present(result.json) {
      ([result.text] + result.pinned.compactMap { pins?.text($0) }).filter { !$0.isEmpty }.joined(separator: "\n")
    }
    return result.failures.first?.exitCode ?? .done
  }

  private func holdsTrades(_ arguments: ParsedArguments) -> Bool {
    if let kind = arguments.text("--kind") { return kind == "trades" }
    return arguments.positionals.allSatisfy { $0.contains("-trades-") || $0.contains("-aggTrades-") }
  }

  private func importTrades(_ paths: [String], _ policy: BadRowPolicy, _ context: CommandContext) throws -> ExitCode {
    let folder = context.configuration.text("tape.directory") ?? "feature_store/tape"
    let importer = TradeImport(series: context.series, policy: policy)
    var reports: [TradeImportReport] = []
    for path in paths {
      var bar = context.progress("import \(path.split(separator: "/").last ?? "")", unit: "trades", total: nil)
      defer { bar.finish() }
      let report = try importer.run(path, into: folder) { progress in
        bar.update(Int64(progress.rows))
        if context.isStopRequested { throw Stopped(path: path) }
      }
      reports.append(report)
    }
    context.output.present(["files": .array(reports.map(\.json))]) {
      reports.map(\.text).joined(separator: "\n")
    }
    return .done
  }

  private struct Stopped: ExitCoded, CustomStringConvertible {
    let path: String
    var exitCode: ExitCode { .failed }
    var description: String { "stopped; nothing of \(path) was stored" }
  }

  private func run(
    _ importer: CandleImport, _ path: String, into store: any Store, _ context: CommandContext
  ) throws -> ImportReport {
    var bar = context.progress("import \(path.split(separator: "/").last ?? "")", unit: "rows", total: nil)
    defer { bar.finish() }
    return try importer.run(path, into: store) { progress in
      bar.update(Int64(progress.rows))
      if context.isStopRequested { throw Stopped(path: path) }
    }
  }

  private func text(_ reports: [ImportReport], _ pinned: [String], _ summary: SeriesSummary?) -> String {
    var lines = reports.map { report in
      let counts = report.counts
      let skipped = report.skipped > 0 ? ", \(report.skipped.grouped) skipped" : ""
      return "\(report.file): \(report.rowsRead.grouped) rows read, \(counts.new.grouped) new, "
        + "\(counts.unchanged.grouped) unchanged, \(counts.revised.grouped) revised\(skipped)"
    }
    lines += reports.flatMap(\.badRows).map { "  skipped \($0)" }
    lines += pinned
    if let summary {
      lines.append(
        "\(summary.series): \(summary.rows.grouped) candles from \(summary.firstOpenTime) to \(summary.lastOpenTime)")
    }
    return lines.joined(separator: "\n")
  }

  private func json(
    _ reports: [ImportReport], _ pinned: [ImportPins.Imported], _ summary: SeriesSummary?
  ) -> JSONValue {
    [
      "files": .array(
        reports.map { report in
          [
            "file": .text(report.file), "rows": JSONValue(report.rowsRead), "new": JSONValue(report.counts.new),
            "unchanged": JSONValue(report.counts.unchanged), "revised": JSONValue(report.counts.revised),
            "skipped": JSONValue(report.skipped), "bad_rows": .array(report.badRows.map { .text($0.description) }),
          ]
        }),
      "pinned": .array(pinned.map(\.json)), "series": summary.map(\.json) ?? .null,
    ]
  }
}

extension TradeImportReport {
  fileprivate var text: String {
    if isUnchanged { return "\(file): imported before, \(tape)" }
    let skipped = skipped > 0 ? ", \(self.skipped.grouped) skipped" : ""
    let missing = missingIds > 0 ? ", \(Int(missingIds).grouped) ids absent between them" : ""
    let lines = ["\(file): \(rowsRead.grouped) trades\(skipped)\(missing), \(tape)"] + badRows.map { "  skipped \($0)" }
    return lines.joined(separator: "\n")
  }

  fileprivate var json: JSONValue {
    [
      "file": .text(file), "tape": .text(tape), "sha256": .text(sha256), "unchanged": JSONValue(isUnchanged),
      "trades": JSONValue(rowsRead), "skipped": JSONValue(skipped), "missing_ids": .integer(missingIds),
      "bad_rows": .array(badRows.map { .text($0.description) }),
    ]
  }
}
