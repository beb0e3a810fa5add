import Operations
import Storage

struct DatabaseCheck: Verb {
  let name = "db check"
  let summary = "reads a whole store and says where it contradicts itself"
  let details = [
    "Summaries must equal their rows, revisions follow one another, candles open on whole minutes with prices that can",
    "be, runs of the ledger be sorted and disjoint, probabilities lie between 0 and 1. It changes nothing, and ends with",
    "3 if there is a finding.",
  ]
  let examples = [
    Example("candlecast db check", "the default file"),
    Example("candlecast db check --store postgres://candlecast@localhost/candlecast --json", "for a program"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let store = try context.openForReading()
    var bar = context.progress("check", unit: "rows", total: nil)
    let report = try StoreCheck.run(store.snapshot()) { rows in
      bar.update(Int64(rows))
      if context.isStopRequested { throw DatabaseWorkStopped(what: "nothing is known of the rest") }
    }
    bar.finish()
    context.output.present(
      [
        "store": .text(store.name), "rows": JSONValue(report.rows), "checks": JSONValue(report.checks),
        "findings": .array(
          report.findings.map { ["subject": .text($0.subject), "where": .text($0.place), "fact": .text($0.fact)] }),
      ]
    ) {
      let head = "\(store.name): \(report.rows.grouped) rows read, \(report.checks) checks"
      guard !report.findings.isEmpty else { return head + ", all in order" }
      return ([head + ", findings:"] + report.findings.map { "  \($0)" }).joined(separator: "\n")
        + "\nrestore a backup (`candlecast db restore`), or import again what is named"
    }
    return report.findings.isEmpty ? .done : .badData
  }
}
