import Ingestion
import Market
import Operations
import Storage

struct ImportVerb: Verb {
  let name = "import"
  let summary = "reads candles from files into the store"
  let details = [
    "Reads CSV (plain, .gz or .zst) with the columns open_time_ms, open, high, low, close, volume, quote_volume, trades,",
    "taker_buy_base, taker_buy_quote; Binance's archive files (12 columns, CSV or zip, milliseconds or microseconds; a",
    ".CHECKSUM beside a file is verified); and Parquet. A file that was imported before changes nothing; a row that",
    "differs from the stored one becomes a revision. A file is taken in whole or not at all.",
  ]
  let positionals = [Positional("PATH", .path, .many, "files to read")]
  let options = [
    Option(
      "--on-error", .choice(["reject", "skip"]),
      "bad rows: reject the whole file (default), or skip, count and list them")
  ]
  let examples = [
    Example("candlecast import Data/BTCUSDT_binance_spot_1m_20240117_20240331.csv.zst", "the bundled candles"),
    Example("candlecast import --on-error skip archive/BTCUSDT-1m-2024-03.zip", "a month of Binance's archive"),
    Example("candlecast import --venue coinbase --symbol BTC-USD coinbase.csv", "another venue: a series of its own"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let policy = arguments.text("--on-error").flatMap(BadRowPolicy.init) ?? .reject
    let importer = CandleImport(series: context.series, knownAt: context.now(), policy: policy)
    let store = try context.openForWriting()
    var reports: [ImportReport] = []
    var failures: [(path: String, error: any Error)] = []
    for path in arguments.positionals {
      do {
        reports.append(try run(importer, path, into: store, context))
      } catch let error as Stopped {
        throw error
      } catch {
        guard arguments.positionals.count > 1 else { throw error }
        failures.append((path, error))
        context.log.write(.error, "import", "\(error)")
      }
    }
    let summary = try store.summary(of: context.series)
    context.output.present(json(reports, summary)) { text(reports, summary) }
    return failures.first.map { Program.exitCode(of: $0.error) } ?? .done
  }

  private struct Stopped: ExitCoded, CustomStringConvertible {
    let path: String
    var exitCode: ExitCode { .failed }
    var description: String { "stopped; nothing of \(path) was stored" }
  }

  private func run(
    _ importer: CandleImport, _ path: String, into store: DuckDBStore, _ context: CommandContext
  ) throws -> ImportReport {
    var bar = context.progress("import \(path.split(separator: "/").last ?? "")", unit: "rows", total: nil)
    defer { bar.finish() }
    return try importer.run(path, into: store) { progress in
      bar.update(Int64(progress.rows))
      if context.isStopRequested { throw Stopped(path: path) }
    }
  }

  private func text(_ reports: [ImportReport], _ summary: SeriesSummary?) -> String {
    var lines = reports.map { report in
      let counts = report.counts
      let skipped = report.skipped > 0 ? ", \(report.skipped.grouped) skipped" : ""
      return "\(report.file): \(report.rowsRead.grouped) rows read, \(counts.new.grouped) new, "
        + "\(counts.unchanged.grouped) unchanged, \(counts.revised.grouped) revised\(skipped)"
    }
    lines += reports.flatMap(\.badRows).map { "  skipped \($0)" }
    if let summary {
      lines.append(
        "\(summary.series): \(summary.rows.grouped) candles from \(summary.firstOpenTime) to \(summary.lastOpenTime)")
    }
    return lines.joined(separator: "\n")
  }

  private func json(_ reports: [ImportReport], _ summary: SeriesSummary?) -> JSONValue {
    [
      "files": .array(
        reports.map { report in
          [
            "file": .text(report.file), "rows": JSONValue(report.rowsRead), "new": JSONValue(report.counts.new),
            "unchanged": JSONValue(report.counts.unchanged), "revised": JSONValue(report.counts.revised),
            "skipped": JSONValue(report.skipped), "bad_rows": .array(report.badRows.map { .text($0.description) }),
          ]
        }),
      "series": summary.map(\.json) ?? .null,
    ]
  }
}
