import FoundationEssentials
import Ingestion
import Market
import Operations
import Storage

struct IngestVerb: Verb {
  let name = "ingest"
  let summary = "fetches the candles that are missing up to now, once"
  let details = [
    "Goes on from the newest stored candle of each series; a series without any begins ingest.limit minutes ago.",
    "Writes what was stored to ingestion_stats.json beside the store.",
  ]
  let examples = [
    Example("candlecast ingest", "the newest candles of binance:BTCUSDT"),
    Example("candlecast ingest --venue bybit --symbol ETHUSDT --json", "another series, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let session = LiveSession(context, .init(requestKnob: "ingest.limit"))
    let result = try Blocking.run { try await session.run() }
    try result.report.requireListed()
    let stats = IngestionStats(result, totals: try totals(of: result, context), at: context.now())
    try stats.write(in: context.stateFolder)
    context.output.present(stats.json) { stats.text }
    return result.isComplete ? .done : .unreachable
  }

  private func totals(of result: LiveSession.Result, _ context: CommandContext) throws -> [Series: Int] {
    let store = try context.openForReading()
    return Dictionary(uniqueKeysWithValues: try store.status().map { ($0.series, $0.rows) })
  }
}

extension LiveSession.Result {
  /// Nothing that was asked for is missing.
  var isComplete: Bool { report.feeds.allSatisfy { $0.series.allSatisfy { $0.missingMinutes == 0 } } }
}

extension LiveReport {
  /// An error if a venue refused all that was asked of a series, as it does for a symbol that it does not list.
  func requireListed() throws(CommandError) {
    for series in feeds.flatMap(\.series) {
      guard let reason = series.refusal else { continue }
      throw CommandError(.wrongUsage, "\(series.series): nothing could be had: \(reason)")
    }
  }
}

/// What an ingestion did, as it stands in `ingestion_stats.json`.
private struct IngestionStats {
  let json: JSONValue
  let text: String

  init(_ result: LiveSession.Result, totals: [Series: Int], at time: Timestamp) {
    let series = result.report.feeds.flatMap(\.series)
    let total = series.reduce(0) { $0 + (totals[$1.series] ?? 0) }
    json = [
      "time": .text(time.description), "new_rows": JSONValue(result.writer.newCandles),
      "revised_rows": JSONValue(result.writer.revisedCandles), "total_rows": JSONValue(total),
      "series": .array(
        series.map { one in
          [
            "series": .text(one.series.description), "fetched": JSONValue(one.counts.patched),
            "total_rows": JSONValue(totals[one.series] ?? 0), "missing_minutes": .integer(one.missingMinutes),
            "newest": JSONValue(one.counts.newest?.description),
          ]
        }),
    ]
    text =
      series.map { one in
        "\(one.series): \(one.counts.patched.grouped) fetched, \((totals[one.series] ?? 0).grouped) stored in all"
          + (one.missingMinutes > 0 ? ", \(Int(one.missingMinutes).grouped) minutes could not be had yet" : "")
      }.joined(separator: "\n") + "\n\(result.writer.newCandles.grouped) new rows, \(total.grouped) rows in all"
  }

  func write(in folder: String) throws {
    let path = folder + "/ingestion_stats.json"
    do { try Data((json.indented + "\n").utf8).write(to: URL(filePath: path), options: .atomic) } catch {
      throw CommandError(.failed, "cannot write \(path): \(error)")
    }
  }
}
