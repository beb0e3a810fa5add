import Ingestion
import Market
import Operations
import Storage
import Transport
import Venues

/// Fetches the absent minutes of a stretch of the past: whole days from the archive, the rest by requests.
struct Backfill: Sendable {
  struct Result: Sendable {
    var series: Series
    var archive: ArchiveBackfill.Result?
    var fetched = 0
    var missingMinutes: Int64 = 0
  }

  private let context: CommandContext
  private let catalogue: VenueCatalogue

  init(_ context: CommandContext) {
    self.context = context
    catalogue = VenueCatalogue(configuration: context.configuration)
  }

  func run(from: Timestamp, to end: Timestamp?, _ usesArchive: Bool) async throws -> Result {
    let http = try HTTPClient(HTTPClient.Options(context.configuration))
    let interface = try catalogue.interface(of: context.series.venue)
    let feed = try catalogue.feed(interface, context.series.venue)
    let series = Series(context.series.venue, feed.name(of: context.series.symbol))
    let now = try await ClockSource(catalogue: catalogue, http: http).clock(of: [series.venue]).now()
    let range = from..<max(from, min(end ?? now, now))
    var result = Result(series: series)
    if usesArchive, interface == "binance" {
      result.archive = try await archive(series, range, http, now)
    }
    guard let plan = try plan(series, interface, range, now) else { return result }
    let outcome = try await LiveSession(context, .init(plan: plan)).run()
    try outcome.report.requireListed()
    result.fetched = outcome.writer.newCandles
    result.missingMinutes = outcome.report.feeds[0].series[0].missingMinutes
    return result
  }

  private func archive(
    _ series: Series, _ range: Range<Timestamp>, _ http: HTTPClient, _ now: Timestamp
  ) async throws -> ArchiveBackfill.Result? {
    let plan = ArchivePlan(range, of: series.symbol, .klines(interval: "1m"), now: now)
    guard !plan.files.isEmpty else { return nil }
    let base = context.configuration.text("binance.archive_url") ?? ""
    let store = try context.openForWriting()
    return try await ArchiveBackfill(context: context, series: series, http: http, base: base).run(plan, into: store)
  }

  /// `nil` when nothing of the range is absent.
  private func plan(
    _ series: Series, _ interface: String, _ range: Range<Timestamp>, _ now: Timestamp
  ) throws -> LivePlan? {
    let store = try context.openForWriting()
    var stored: [Range<Int64>] = []
    try store.readCandles(series, in: range, asOf: .distantFuture) { records in
      for record in records { stored.extend(with: record.candle.openTime.minute) }
    }
    let wanted = range.lowerBound.minute..<range.upperBound.minute
    guard stored.reduce(0, { $0 + $1.count }) < wanted.count else { return nil }
    let ledger = stored.map { LedgerRange(series, .minutes, $0, .patched(from: "import"), since: now) }
    var thresholds = LiveThresholds(context.configuration)
    thresholds.candlesPerRequest = context.configuration.integer("gaps.backfill_batch_size") ?? 1000
    var plan = SeriesPlan(symbol: series.symbol, firstMinute: wanted.lowerBound, ledger: ledger)
    plan.endMinute = wanted.upperBound
    return LivePlan(
      seed: context.seed, thresholds: thresholds,
      feeds: [FeedPlan(venue: series.venue, interface: interface, channels: [], series: [plan])])
  }
}

extension Backfill.Result {
  var text: String {
    var lines: [String] = []
    if let archive {
      lines.append(
        "archive: \(archive.files.grouped) files, \(archive.unchanged.grouped) unchanged since last time, "
          + "\(archive.absent.grouped) not published; \(archive.counts.new.grouped) new, "
          + "\(archive.counts.revised.grouped) revised")
    }
    lines.append(
      "\(series): \(fetched.grouped) candles fetched by requests"
        + (missingMinutes > 0 ? ", \(Int(missingMinutes).grouped) minutes could not be had yet" : ""))
    return lines.joined(separator: "\n")
  }

  var json: JSONValue {
    [
      "series": .text(series.description),
      "archive": archive.map {
        [
          "files": JSONValue($0.files), "unchanged": JSONValue($0.unchanged), "absent": JSONValue($0.absent),
          "new": JSONValue($0.counts.new), "revised": JSONValue($0.counts.revised),
        ]
      } ?? .null, "fetched": JSONValue(fetched), "missing_minutes": .integer(missingMinutes),
    ]
  }
}
