import Ingestion
import Market
import Operations
import Storage
import Transport

struct BackfillVerb: Verb {
  let name = "backfill"
  let summary = "fetches the absent minutes of a stretch of the past"
  let details = [
    "Days older than two come from the venue's archive where it has one (Binance), each file against its checksum; one",
    "that was published again becomes revisions. The rest is asked of the venue, oldest first. What is stored already is",
    "not asked for again, so the same command goes on after an interruption.",
  ]
  let options = [
    Option("--from", .time, isRequired: true, "first minute"),
    Option("--to", .time, "minute after the last (default: now)"),
    Option("--rest-only", .flag, "leave the archive out"),
  ]
  let examples = [
    Example("candlecast backfill --from 2024-01-01 --to 2024-04-01", "three months, from monthly archive files"),
    Example("candlecast backfill --from 2024-03-31T12:00Z --rest-only", "from then to now, by requests alone"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    guard let from = arguments.time("--from") else { preconditionFailure("--from is required") }
    let result = try Blocking.run {
      try await Backfill(context).run(from: from, to: arguments.time("--to"), !arguments.has("--rest-only"))
    }
    context.output.present(result.json) { result.text }
    return result.missingMinutes == 0 ? .done : .unreachable
  }
}
