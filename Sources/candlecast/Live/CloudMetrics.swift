import Cloud
import Ingestion
import Market

/// What CloudWatch is told of a feed: values as they stand, and of what is counted how much it grew since the last
/// time. They are few, because each combination of a name and dimensions costs by the month.
struct CloudMetrics: Sendable {
  private struct Counter: Hashable {
    let name: String
    let dimensions: [MetricDatum.Dimension]
  }

  /// As they stood when they were last told.
  private var told: [Counter: Double] = [:]

  /// - Returns: the data, and what remembers that they were told.
  func data(of facts: LiveStatus.Facts, at now: Timestamp) -> (data: [MetricDatum], next: CloudMetrics) {
    var page = Page(before: self, next: self, now: now)
    for feed in facts.report.feeds { page.add(feed) }
    page.add(facts)
    return (page.data, page.next)
  }

  private struct Page {
    let before: CloudMetrics
    var next: CloudMetrics
    let now: Timestamp
    var data: [MetricDatum] = []

    mutating func add(_ feed: FeedReport) {
      let venue = [MetricDatum.Dimension("Venue", feed.venue.name)]
      value("Connected", feed.isConnected ? 1 : 0, .none, venue)
      growth("Messages", feed.counts.messages, venue)
      growth("FailedRequests", feed.counts.failedRequests, venue)
      for one in feed.series {
        let series = [MetricDatum.Dimension("Series", one.series.description)]
        growth("LiveCandles", one.counts.live, series)
        growth("PatchedCandles", one.counts.patched, series)
        value("MissingMinutes", Double(one.missingMinutes), .count, series)
        if let completeness = one.quality.completeness { value("Completeness", completeness * 100, .percent, series) }
        if let stale = one.quality.staleSeconds { value("DataAge", stale, .seconds, series) }
      }
    }

    mutating func add(_ facts: LiveStatus.Facts) {
      growth("StoredCandles", facts.writer.committedCandles)
      growth("FailedCommits", facts.writer.failures)
      growth("Predictions", facts.predictions.values.reduce(0, +))
      value("Storing", facts.isStoring ? 1 : 0, .none)
      value("WaitingCandles", Double(facts.writer.queuedCandles), .count)
      if let latency = facts.writer.latency.quantileMicroseconds(0.99) {
        value("CommitLatency", Double(latency) / 1000, .milliseconds)
      }
      if let memory = ProcessMemory.residentBytes { value("Memory", Double(memory), .bytes) }
    }

    private mutating func value(
      _ name: String, _ value: Double, _ unit: MetricDatum.Unit, _ dimensions: [MetricDatum.Dimension] = []
    ) {
      data.append(MetricDatum(name, .one(value), unit: unit, dimensions: dimensions, time: now))
    }

    private mutating func growth(_ name: String, _ count: Int, _ dimensions: [MetricDatum.Dimension] = []) {
      let counter = Counter(name: name, dimensions: dimensions)
      value(name, Double(count) - before.told[counter, default: 0], .count, dimensions)
      next.told[counter] = Double(count)
    }
  }
}
