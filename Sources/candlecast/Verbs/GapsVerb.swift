import Market
import Operations
import Serving
import Storage

struct GapsVerb: Verb {
  let name = "gaps"
  let summary = "lists absent minutes and trades with what the ledger says of them, runs without trades, and revisions"
  let details = [
    "An absent minute is missing (it is being fetched or will be), lost (it cannot be had, and why), or nobody has looked",
    "for it: it was never asked of a venue, because it lies in what was imported.",
  ]
  let options = [Option.from("first minute looked at"), Option.to("minute after the last")]
  let examples = [
    Example("candlecast gaps", "everything stored of binance:BTCUSDT"),
    Example("candlecast gaps --from 2024-03-01 --to 2024-04-01 --json", "one month, for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let store = try context.openForReading()
    let series = try context.prices(of: MarketView(price: context.series), in: store).series
    let listing = try GapListing(series, in: arguments.range, from: store)
    context.output.present(listing.json) { listing.text }
    return .done
  }
}

/// What a series lacks and why, as far as anybody knows.
struct GapListing {
  /// A run of absent minutes that the ledger says one thing of.
  struct Absence: Hashable {
    let range: Range<Timestamp>
    /// `nil`: the ledger does not have them.
    let state: LedgerState?
  }

  let series: Series
  let report: GapReport
  let absent: [Absence]
  /// Trade ids that are not here.
  let trades: [LedgerRange]
  let revisions: [CandleRevision]

  init(_ series: Series, in range: Range<Timestamp>, from store: any Store) throws {
    self.series = series
    report = try store.gaps(series, in: range)
    let ledger = LedgerMap(try store.ledger(series, .minutes).map { .init($0.range, $0.state, since: $0.since) })
    absent = report.absent.flatMap { ledger.absences($0) } + ledger.absences(in: range, outside: report.period)
    trades = try store.ledger(series, .trades).filter(\.state.isAbsent)
    revisions = try store.revisions(series, in: range, asOf: .distantFuture).filter { $0.revision > 0 }
  }

  private var absentMinutes: Int { absent.reduce(0) { $0 + $1.minutes } }

  var text: String {
    var lines = [
      "\(series): \(report.rows.grouped) candles, \(absentMinutes.grouped) absent minutes, "
        + "\(report.quietMinutes.grouped) minutes without trades, \(revisions.count.grouped) revisions"
    ]
    lines += absent.map { "absent    \(Self.line($0.range))  \($0.state?.account ?? "not looked for")" }
    lines += trades.map { range in
      "trades    \(range.range.lowerBound) – \(range.range.upperBound - 1)  \(range.range.count.grouped) ids  "
        + range.state.account
    }
    lines += report.quiet.map { "no trades \(Self.line($0))" }
    lines += revisions.map { "revised   \($0.record.candle.openTime)  known from \($0.record.knownAt)" }
    return lines.joined(separator: "\n")
  }

  private static func line(_ run: Range<Timestamp>) -> String {
    let minutes = run.upperBound.minutes(since: run.lowerBound)
    return "\(run.lowerBound) – \(run.upperBound)  \(minutes.grouped) min"
  }

  var json: JSONValue {
    [
      "series": .text(series.description), "rows": JSONValue(report.rows),
      "absent": .array(
        absent.map { run in
          Self.json(
            run.range, [.init("state", JSONValue(run.state?.word)), .init("reason", JSONValue(run.state?.reason))])
        }),
      "trades": .array(
        trades.map { run in
          [
            "from": .integer(run.range.lowerBound), "to": .integer(run.range.upperBound),
            "state": .text(run.state.word), "reason": JSONValue(run.state.reason),
          ]
        }),
      "no_trades": .array(report.quiet.map { Self.json($0, []) }),
      "revisions": .array(
        revisions.map { revision in
          [
            "open_time": .text(revision.record.candle.openTime.description),
            "known_at": .text(revision.record.knownAt.description), "revision": JSONValue(revision.revision),
          ]
        }),
    ]
  }

  private static func json(_ run: Range<Timestamp>, _ more: [JSONValue.Member]) -> JSONValue {
    .object(
      [
        .init("from", .text(run.lowerBound.description)), .init("to", .text(run.upperBound.description)),
        .init("minutes", JSONValue(run.upperBound.minutes(since: run.lowerBound))),
      ] + more)
  }
}

extension GapListing.Absence {
  fileprivate init(_ minutes: Range<Int64>, _ state: LedgerState?) {
    self.init(range: Timestamp(minute: minutes.lowerBound)..<Timestamp(minute: minutes.upperBound), state: state)
  }

  fileprivate var minutes: Int { range.upperBound.minutes(since: range.lowerBound) }
}

extension LedgerMap {
  /// Minutes that are not stored, cut where the ledger changes its mind.
  fileprivate func absences(_ range: Range<Timestamp>) -> [GapListing.Absence] {
    var minute = range.lowerBound.minute
    var absences: [GapListing.Absence] = []
    for run in runs(in: minute..<range.upperBound.minute) {
      if minute < run.range.lowerBound { absences.append(.init(minute..<run.range.lowerBound, nil)) }
      absences.append(.init(run.range, run.state))
      minute = run.range.upperBound
    }
    if minute < range.upperBound.minute { absences.append(.init(minute..<range.upperBound.minute, nil)) }
    return absences
  }

  /// Minutes before the first candle and after the last one that the ledger knows to be absent.
  fileprivate func absences(in range: Range<Timestamp>, outside stored: Range<Timestamp>?) -> [GapListing.Absence] {
    let wanted = range.lowerBound.minute..<range.upperBound.minute
    let stored = (stored.map { $0.lowerBound.minute..<$0.upperBound.minute } ?? wanted.lowerBound..<wanted.lowerBound)
    return [wanted.lowerBound..<max(stored.lowerBound, wanted.lowerBound), stored.upperBound..<wanted.upperBound]
      .flatMap { runs(in: $0) }.filter(\.state.isAbsent).map { .init($0.range, $0.state) }
  }
}

extension LedgerState {
  fileprivate var isAbsent: Bool {
    switch self {
    case .missing, .lost: true
    case .live, .patched: false
    }
  }

  fileprivate var account: String {
    switch self {
    case .missing: "missing: a live feed or ingest fetches it"
    case .lost(let reason): "lost: \(reason)"
    // The ledger has it and the store has not: the candle was deleted.
    case .live: "came live, and is not stored any more"
    case .patched(let source): "was patched from \(source), and is not stored any more"
    }
  }
}
