import Evaluation
import Market
import Models
import Operations
import Pipeline
import Storage

struct AuditVerb: Verb {
  let name = "audit"
  let summary = "proves on the stored data that nothing leaks from the future and that all ways agree"
  let details = [
    "leakage: at random times everything later is changed; features, scaled vectors, folds, finished labels, what is",
    "learnt from them, and predictions by then must keep every bit. parity: batch, one by one, restarted, replayed and",
    "patched late must give the same bits. Works on the last 6,000 minutes unless --from or --to is given; ends with 1 if",
    "something differs.",
  ]
  let positionals = [Positional("WHAT", .choice(["leakage", "parity"]), .one, "which proof")]
  let options = [
    Option.from("first candle used"), Option.to("candle after the last used"), Option.seed, Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast audit leakage", "at random times of the newest days"),
    Example("candlecast audit parity --from 2024-03-01 --to 2024-03-08", "on one week"),
  ]

  /// How many moments of the leakage audit.
  private static let cuts = 4

  let readsModels = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let store = try context.openForReading()
    let stretch = try AuditStretch(
      arguments.range, context.view, of: try context.prices(of: context.view, in: store), from: store)
    guard arguments.positionals == ["leakage"] else { return try parity(of: stretch, context) }
    return try leakage(of: stretch, from: store, context)
  }

  private func leakage(
    of stretch: AuditStretch, from store: some LiveStore, _ context: CommandContext
  ) throws -> ExitCode {
    let version = try context.servedVersion(context.view, context.target)
    let audit = LeakageAudit(context.view, seed: context.seed)
    let cuts = audit.randomCuts(Self.cuts, in: stretch.laterHalf)
    var outcomes: [Timestamp: OutcomePrices] = [:]
    for cut in cuts {
      outcomes[cut] = try OutcomePrices(
        context.view.price, in: stretch.period.lowerBound..<max(cut, stretch.period.lowerBound), asOf: cut, from: store)
    }
    let subject = StoredDataSubject(
      view: context.view, target: context.target, version: version, outcomes: outcomes,
      shouldStop: { context.isStopRequested })
    var bar = context.progress("audit leakage", unit: "‰", total: 1000)
    let report = try audit.run(
      subject, events: stretch.events, cuts: cuts,
      progress: { bar.update(Int64($0 * 1000)) })
    bar.finish()
    let answering = LeakageResult(
      report: report, stretch: stretch, changes: audit.perturbations, version: version?.bundle.card)
    context.output.present(answering.json(context)) { answering.text(context) }
    return report.isClean ? .done : .failed
  }

  private func parity(of stretch: AuditStretch, _ context: CommandContext) throws -> ExitCode {
    let version = try context.servedVersion(context.view, context.target)
    let audit = ParityAudit(
      view: context.view, target: context.target, version: version, seed: context.seed, events: stretch.events)
    var bar = context.progress("audit parity", unit: "‰", total: 1000)
    let report = try audit.run { done in
      bar.update(Int64(done * 1000))
      if context.isStopRequested { throw CommandError(.failed, "stopped; nothing was proved") }
    }
    bar.finish()
    let name = version?.bundle.card.name.description
    context.output.present(
      [
        "audit": "parity", "target": .text(context.target.description), "view": .text(context.view.description),
        "version": JSONValue(name), "from": .text(stretch.period.lowerBound.description),
        "to": .text(stretch.period.upperBound.description), "candles": JSONValue(report.candles),
        "seed": .integer(Int64(bitPattern: context.seed)), "is_clean": .boolean(report.isClean), "ways": report.json,
      ]
    ) {
      "\(context.target)@\(context.view), \(name ?? "no version"), \(report.candles.grouped) candles from "
        + "\(stretch.period.lowerBound) to \(stretch.period.upperBound)\n\(report.text)\n"
        + (report.isClean ? "all ways agree" : "NOT all ways agree")
    }
    return report.isClean ? .done : .failed
  }
}
