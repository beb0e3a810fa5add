import Ingestion
import Market
import Operations
import Serving
import Tape

/// The bodies of `/health` and `/metrics`.
struct HealthPages: Sendable {
  let status: LiveStatus
  /// How many clients were dropped because they did not keep up; `nil` where there are none.
  var slowClients: (@Sendable () -> UInt64)?

  /// The health of the live feed.
  var feeder: JSONValue {
    let facts = status.current
    return [
      "status": .text(facts?.state ?? "degraded"), "uptime_seconds": .integer(Int64(status.uptimeSeconds)),
      "candles_processed": JSONValue(facts?.writer.committedCandles ?? 0),
      "database_connected": JSONValue(facts?.isStoring ?? false),
      "websocket_connected": JSONValue(facts?.isConnected ?? false),
      "last_candle_time": JSONValue(facts?.newestCandle?.description),
      "memory_mb": JSONValue(ProcessMemory.residentBytes.map { (Double($0) / 1_048_576 * 10).rounded() / 10 }),
      "model": .text(status.models?.defaultModelName ?? "none"),
      "feature_age_seconds": JSONValue(featureAgeSeconds), "queue_depth": JSONValue(facts?.writer.queuedCandles ?? 0),
    ]
  }

  /// `nil` before the first vector.
  private var featureAgeSeconds: Double? {
    guard let newest = status.features.newest, let now = status.now else { return nil }
    return Double(now.microseconds - newest.time.microseconds) / 1e6
  }

  /// The health of backfilling.
  var gapHandler: JSONValue {
    let facts = status.current
    let isStoring = facts?.isStoring ?? false
    let recovered = facts?.series.reduce(0) { $0 + $1.counts.patched } ?? 0
    let completed = facts?.report.feeds.reduce(0) { $0 + $1.backfill.doneJobs } ?? 0
    return [
      "status": .text(isStoring && facts?.openGaps == 0 ? "healthy" : "degraded"),
      "backfills_completed": JSONValue(completed), "candles_recovered": JSONValue(recovered),
      "database_status": .text(isStoring ? "connected" : "disconnected"),
    ]
  }

  var metrics: String {
    var page = PrometheusText()
    page.add("candlecast_uptime_seconds", .gauge, "Since the start.", [.init(status.uptimeSeconds)])
    let resident = ProcessMemory.residentBytes.map { [PrometheusText.Sample(Double($0))] } ?? []
    page.add("candlecast_resident_memory_bytes", .gauge, "Memory of the process.", resident)
    let own = ProcessMemory.privateBytes.map { [PrometheusText.Sample(Double($0))] } ?? []
    page.add("candlecast_private_memory_bytes", .gauge, "Memory of the process that is not of a file.", own)
    let reports = status.reports
    if reports != LiveStatus.Reports() {
      page.add(
        "candlecast_cloudwatch_reports_total", .counter, "Reports to CloudWatch.",
        [
          .init(Double(reports.sent), [.init("outcome", "sent")]),
          .init(Double(reports.failed), [.init("outcome", "failed")]),
        ])
    }
    let reloads = status.reloads
    page.add(
      "candlecast_model_reloads_total", .counter, "Other versions of the registry, taken or refused.",
      [
        .init(Double(reloads.switched), [.init("outcome", "switched")]),
        .init(Double(reloads.refused), [.init("outcome", "refused")]),
      ])
    if let facts = status.current {
      addSeries(facts, &page)
      addFeeds(facts, &page)
      addStorage(facts, &page)
      addErrors(facts, &page)
    }
    return page.text
  }

  private func addSeries(_ facts: LiveStatus.Facts, _ page: inout PrometheusText) {
    func samples(_ value: (SeriesReport) -> Double?) -> [PrometheusText.Sample] {
      facts.series.compactMap { one in value(one).map { .init($0, [.init("series", one.series.description)]) } }
    }
    let candles = facts.series.flatMap { one in
      [("live", one.counts.live), ("patched", one.counts.patched)].map { name, count in
        PrometheusText.Sample(
          Double(count), [.init("series", one.series.description), .init("provenance", name)])
      }
    }
    page.add("candlecast_candles_total", .counter, "Candles that came.", candles)
    page.add("candlecast_trades_total", .counter, "Trades that came.", samples { Double($0.counts.trades) })
    page.add("candlecast_quotes_total", .counter, "Quotes that came.", samples { Double($0.counts.quotes) })
    page.add("candlecast_refused_total", .counter, "Messages of no use.", samples { Double($0.counts.refused) })
    page.add("candlecast_gaps_open", .gauge, "Minutes being fetched.", samples { Double($0.missingMinutes) })
    page.add("candlecast_trade_gaps_open", .gauge, "Trade ids being fetched.", samples { Double($0.missingTradeIds) })
    page.add(
      "candlecast_completeness_ratio", .gauge, "Minutes stored of those due in the window.",
      samples { $0.quality.completeness })
    page.add(
      "candlecast_missing_ratio", .gauge, "Minutes that the stream did not bring in the window.",
      samples { $0.quality.missing })
    page.add("candlecast_stale_seconds", .gauge, "Age of the newest data.", samples { $0.quality.staleSeconds })
    page.add("candlecast_invalid_ratio", .gauge, "Messages of no use in the window.", samples { $0.quality.invalid })
  }

  private func addFeeds(_ facts: LiveStatus.Facts, _ page: inout PrometheusText) {
    func samples(_ value: (FeedReport) -> Double?) -> [PrometheusText.Sample] {
      facts.report.feeds.compactMap { feed in value(feed).map { .init($0, [.init("venue", feed.venue.name)]) } }
    }
    page.add("candlecast_connected", .gauge, "All sockets bring data.", samples { $0.isConnected ? 1 : 0 })
    page.add("candlecast_connects_total", .counter, "Sockets opened.", samples { Double($0.connects) })
    page.add("candlecast_messages_total", .counter, "Frames received.", samples { Double($0.counts.messages) })
    page.add("candlecast_undecoded_total", .counter, "Frames of no use.", samples { Double($0.counts.undecoded) })
    let clients = slowClients.map { [PrometheusText.Sample(Double($0()), [.init("what", "clients")])] } ?? []
    page.add(
      "candlecast_dropped_total", .counter, "Messages of a venue lost in a queue, and clients that were too slow.",
      samples { Double($0.counts.dropped) } + clients)
    page.add("candlecast_limited_total", .counter, "Refusals by limit.", samples { Double($0.counts.limited) })
    page.add(
      "candlecast_failed_requests_total", .counter, "Requests without use.",
      samples { Double($0.counts.failedRequests) })
    page.add(
      "candlecast_backfills_total", .counter, "Requests for the past done.", samples { Double($0.backfill.doneJobs) })
    page.add(
      "candlecast_backfill_waiting", .gauge, "Minutes and trades to be fetched.",
      samples { Double($0.backfill.waitingKeys) })
    page.add(
      "candlecast_clock_offset_seconds", .gauge, "The venue's clock ahead of ours.",
      samples { $0.clockOffsetMicroseconds.map { Double($0) / 1_000_000 } })
  }

  private func addStorage(_ facts: LiveStatus.Facts, _ page: inout PrometheusText) {
    let writer = facts.writer
    page.add("candlecast_queue_depth", .gauge, "Candles waiting to be stored.", [.init(Double(writer.queuedCandles))])
    page.add(
      "candlecast_backpressure_total", .counter, "Times that receiving waited.",
      [
        .init(Double(facts.inboxWaits), [.init("queue", "inbox")]),
        .init(Double(writer.waits), [.init("queue", "store")]),
      ])
    page.add("candlecast_commits_total", .counter, "Transactions.", [.init(Double(writer.transactions))])
    page.add("candlecast_commit_failures_total", .counter, "Failed transactions.", [.init(Double(writer.failures))])
    let latency = [0.5, 0.99].compactMap { share in
      writer.latency.quantileMicroseconds(share).map {
        PrometheusText.Sample(Double($0) / 1_000_000, [.init("quantile", "\(share)")])
      }
    }
    page.add("candlecast_commit_latency_seconds", .gauge, "From receipt to being stored.", latency)
    page.add(
      "candlecast_predictions_total", .counter, "Predictions made, without those of shadows.",
      facts.predictions.sorted { $0.key < $1.key }.map { .init(Double($0.value), [.init("state", $0.key)]) })
    page.add(
      "candlecast_arm_predictions_total", .counter, "Predictions made, by the arm that made them.",
      facts.arms.sorted { $0.key.rawValue < $1.key.rawValue }
        .map { .init(Double($0.value), [.init("arm", $0.key.rawValue)]) })
    facts.measures.write(to: &page)
    let parity = status.parity
    page.add(
      "candlecast_parity_checked_total", .counter, "Live predictions computed again.", [.init(Double(parity.checked))])
    page.add(
      "candlecast_parity_mismatches_total", .counter, "Of these, such with other bits.",
      [.init(Double(parity.mismatches))])
    page.add(
      "candlecast_parity_unverifiable_total", .counter, "Live predictions that could not be computed again.",
      [.init(Double(parity.unverifiable))])
    page.add(
      "candlecast_store_memory_bytes", .gauge, "Memory that the store has taken for its pages.",
      writer.storeBytes.map { [.init(Double($0))] } ?? [])
    guard let tape = facts.tape else { return }
    page.add("candlecast_tape_records_total", .counter, "Inputs recorded.", [.init(Double(tape.counts.records))])
    page.add("candlecast_tape_dropped_total", .counter, "Inputs not recorded.", [.init(Double(tape.counts.dropped))])
    page.add("candlecast_tape_bytes", .gauge, "Size of the recording.", [.init(Double(tape.bytes))])
  }
}
