import Ingestion
import Operations
import Tape

extension HealthPages {
  /// What went wrong and how long it took to be right again.
  func addErrors(_ facts: LiveStatus.Facts, _ page: inout PrometheusText) {
    page.add(
      "candlecast_errors_total", .counter, "What failed; connections that were made again are not among it.",
      errors(facts).map { .init(Double($0.count), [.init("kind", $0.kind)]) })
    guard let recovery = facts.recovery else { return }
    let durations = [("start", recovery.startSeconds), ("gap", recovery.gapSeconds)]
    page.add(
      "candlecast_recovery_seconds", .gauge,
      "After the start: until every socket was open and no minute and no trade was missing. After a gap: from when the "
        + "newest one was found until none was open. By this machine's clock, to half a second.",
      durations.compactMap { after, seconds in seconds.map { .init($0, [.init("after", after)]) } })
  }

  private func errors(_ facts: LiveStatus.Facts) -> [(kind: String, count: Int)] {
    let feeds = facts.report.feeds
    return [
      // Not decoded.
      ("frame", feeds.reduce(0) { $0 + $1.counts.undecoded }),
      // Decoded, and such as no market has.
      ("message", facts.series.reduce(0) { $0 + $1.counts.refused }),
      ("request", feeds.reduce(0) { $0 + $1.counts.failedRequests }),
      ("commit", facts.writer.failures),
      ("tape", facts.tape.map { $0.counts.dropped + $0.counts.refused } ?? 0),
      ("file", facts.failedFiles),
      ("model", facts.measures.unanswered),
      ("version", status.reloads.refused),
      ("job", status.failedJobs),
      ("report", status.reports.failed),
    ]
  }
}
