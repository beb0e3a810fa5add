import Market
import Operations
import Storage

struct GapsVerb: Verb {
  let name = "gaps"
  let summary = "lists absent minutes, runs without trades, and revisions"
  let options = [Option.from("first minute looked at"), Option.to("minute after the last")]
  let examples = [
    Example("candlecast gaps", "everything stored of binance:BTCUSDT"),
    Example("candlecast gaps --from 2024-03-01 --to 2024-04-01 --json", "one month, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let store = try context.openForReading()
    let series = try context.prices(of: MarketView(price: context.series), in: store).series
    let report = try store.gaps(series, in: arguments.range)
    let revisions = try store.revisions(series, in: arguments.range, asOf: .distantFuture).filter { $0.revision > 0 }
    context.output.present(json(series, report, revisions)) { text(series, report, revisions) }
    return .done
  }

  private func text(_ series: Series, _ report: GapReport, _ revisions: [CandleRevision]) -> String {
    var lines = [
      "\(series): \(report.rows.grouped) candles, \(report.absentMinutes.grouped) absent minutes, "
        + "\(report.quietMinutes.grouped) minutes without trades, \(revisions.count.grouped) revisions"
    ]
    lines += report.absent.map { "absent    \(line($0))" }
    lines += report.quiet.map { "no trades \(line($0))" }
    lines += revisions.map { "revised   \($0.record.candle.openTime)  known from \($0.record.knownAt)" }
    return lines.joined(separator: "\n")
  }

  private func line(_ run: Range<Timestamp>) -> String {
    let minutes = run.upperBound.minutes(since: run.lowerBound)
    return "\(run.lowerBound) – \(run.upperBound)  \(minutes.grouped) min"
  }

  private func json(_ series: Series, _ report: GapReport, _ revisions: [CandleRevision]) -> JSONValue {
    func runs(_ runs: [Range<Timestamp>]) -> JSONValue {
      .array(
        runs.map { run in
          [
            "from": .text(run.lowerBound.description), "to": .text(run.upperBound.description),
            "minutes": JSONValue(run.upperBound.minutes(since: run.lowerBound)),
          ]
        })
    }
    return [
      "series": .text(series.description), "rows": JSONValue(report.rows), "absent": runs(report.absent),
      "no_trades": runs(report.quiet),
      "revisions": .array(
        revisions.map { revision in
          [
            "open_time": .text(revision.record.candle.openTime.description),
            "known_at": .text(revision.record.knownAt.description), "revision": JSONValue(revision.revision),
          ]
        }),
    ]
  }
}
