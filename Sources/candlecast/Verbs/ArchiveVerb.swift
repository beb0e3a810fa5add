import Archive
import Market
import Operations
import Storage

struct ArchiveVerb: Verb {
  let name = "archive"
  let summary = "puts days of candles, trades or predictions as Avro files into object storage or a folder"
  let details = [
    "Each day of a series becomes PREFIX/DATASET/symbol=SYMBOL/date=DAY/VENUE.r0.avro with its SHA-256 beside it, written",
    "once: a day that is there with the same rows is left alone, one with other rows gets a further revision (r1, r2, …).",
    "So the same command goes on where one was interrupted. Days are those of UTC, and only those that are over.",
    "Trades and quotes are those that tape.market_data had stored. Credentials are AWS's usual variables and files.",
  ]
  let options = [
    Option(
      "--to-url", .knob(.text, placeholder: "URL"), knob: "archive.url", "s3://bucket/prefix or a folder"),
    Option("--dataset", .choice(ArchiveDataset.allCases.map(\.rawValue)), "what to archive (default: candles)"),
    Option.from("first day (default: that of the first candle)"),
    Option.to("day after the last (default: as far as there are candles)"),
    Option("--all", .flag, "every series that has candles, not just --venue and --symbol"),
  ]
  let examples = [
    Example("candlecast archive --to-url s3://bucket/candlecast", "all candles of the series"),
    Example("candlecast archive --to-url archive --from 2024-02-01 --to 2024-03-01", "a month, into a folder"),
    Example("candlecast archive --dataset predictions --to-url s3://bucket/candlecast", "what was predicted"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    guard let url = context.configuration.text("archive.url"), let location = ObjectLocation(url) else {
      throw CommandError(.wrongUsage, "archive needs --to-url or archive.url: s3://bucket/prefix or a folder")
    }
    let dataset = arguments.text("--dataset").flatMap(ArchiveDataset.init) ?? .candles
    let objects = try context.objects(location)
    let jobs = try self.jobs(arguments, context)
    let results = try Blocking.run {
      let archiver = Archiver(context: context, objects: objects, dataset: dataset)
      var results: [Archiver.Result] = []
      for job in jobs { results.append(try await archiver.run(job)) }
      return results
    }
    context.output.present(
      [
        "archive": .text(objects.url), "dataset": .text(dataset.rawValue), "series": .array(results.map(\.json)),
      ]
    ) {
      results.map { $0.text(dataset, objects.url) }.joined(separator: "\n")
    }
    return .done
  }

  private func jobs(_ arguments: ParsedArguments, _ context: CommandContext) throws -> [Archiver.Job] {
    let today = context.now().day
    let (from, to) = (try day(arguments, "--from"), try day(arguments, "--to"))
    if let to, to > today {
      throw CommandError(.wrongUsage, "--to \(CivilDate(day: to)): only days that are over are archived")
    }
    let store = try context.openForReading()
    let summaries = try store.status().filter { arguments.has("--all") || $0.series == context.series }
    if let from, let to, !arguments.has("--all") {
      return [Archiver.Job(series: context.series, days: from..<max(from, to))]
    }
    guard !summaries.isEmpty else {
      throw CommandError(
        .badData, "\(store.name) has no candles of \(context.series); import some, or choose --venue or --symbol")
    }
    return summaries.map { summary in
      let first = from ?? summary.firstOpenTime.day
      let end = to ?? min(today, summary.lastOpenTime.day + 1)
      return Archiver.Job(series: summary.series, days: first..<max(first, end))
    }
  }

  private func day(_ arguments: ParsedArguments, _ option: String) throws -> Int64? {
    guard let time = arguments.time(option) else { return nil }
    guard time.microseconds % Timestamp.microsecondsPerDay == 0 else {
      throw CommandError(.wrongUsage, "\(option) \(time): whole days are archived; give a date such as 2024-03-01")
    }
    return time.day
  }
}

extension Archiver.Result {
  fileprivate func text(_ dataset: ArchiveDataset, _ url: String) -> String {
    func days(_ outcome: ArchiveRun.Outcome) -> Int { kept.count { $0.result.outcome == outcome } }
    var lines = [
      "\(series): \(kept.count.grouped) days of \(dataset.rawValue) to \(url): \(days(.written).grouped) written, "
        + "\(days(.unchanged).grouped) there already, \(days(.revised).grouped) revised, "
        + "\(days(.empty).grouped) without rows"
    ]
    lines += kept.filter { $0.result.outcome == .revised }.map { "  other rows than before: \($0.result.object)" }
    return lines.joined(separator: "\n")
  }

  fileprivate var json: JSONValue {
    [
      "series": .text(series.description),
      "days": .array(
        kept.map { day in
          [
            "date": .text(CivilDate(day: day.day).description), "outcome": .text("\(day.result.outcome)"),
            "rows": JSONValue(day.result.rows), "bytes": JSONValue(day.result.bytes),
            "object": day.result.object.isEmpty ? .null : .text(day.result.object),
          ]
        }),
    ]
  }
}
