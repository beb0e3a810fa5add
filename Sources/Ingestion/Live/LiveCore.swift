package import Market
internal import Storage
package import Venues

/// The whole of a live feed but for the wires: what arrived goes in, what is to be done, stored and predicted on comes
/// out. It has no clock and waits for nothing, so a recording of its inputs, played back, gives the same again.
package struct LiveCore: Sendable {
  private var feeds: [VenueFeed]
  private let origin: Timestamp

  /// - Parameters:
  ///   - protocols: one for each feed of the plan.
  ///   - memories: by venue, what an earlier process left.
  ///   - now: the start, by the pipeline's clock.
  package init(
    _ plan: LivePlan, protocols: [any FeedProtocol], memories: [Venue: FeedMemory] = [:], now: Timestamp
  ) {
    precondition(plan.feeds.count == protocols.count, "one protocol for each feed")
    origin = now
    feeds = zip(plan.feeds, protocols).enumerated().map { index, pair in
      VenueFeed(
        pair.0, index: index, pair.1, plan.thresholds, seed: plan.seed, memory: memories[pair.0.venue], now: now)
    }
  }

  package var series: [Series] { feeds.flatMap { $0.series.map(\.series) } }

  /// Candles that are stored already, so that they are known when they come again.
  package mutating func prime(_ series: Series, _ candles: [Candle]) {
    for index in feeds.indices {
      for position in feeds[index].series.indices where feeds[index].series[position].series == series {
        feeds[index].prime(position, candles)
      }
    }
  }

  /// The first step; no input comes before it.
  package mutating func start() -> LiveOutput {
    var output = LiveOutput(at: origin)
    for index in feeds.indices { feeds[index].start(now: origin, &output) }
    return output
  }

  /// - Parameter now: by the pipeline's clock; never earlier than before.
  package mutating func step(_ input: LiveInput, at now: Timestamp) -> LiveOutput {
    var output = LiveOutput(at: now)
    switch input {
    case .opened(let id): feeds[id.feed].opened(id.number, now: now, &output)
    case .frame(let id, let bytes, let isBinary):
      feeds[id.feed].receive(bytes, isBinary: isBinary, from: id.number, now: now, &output)
    case .overflowed(let id, let messages): feeds[id.feed].overflowed(id.number, messages: messages, now: now, &output)
    case .closed(let id, let code, let reason):
      feeds[id.feed].closed(id.number, code: code, reason: reason, now: now, &output)
    case .answer(let id, let result): feeds[id.feed].answered(id.number, result, now: now, &output)
    case .tick: for index in feeds.indices { feeds[index].tick(now: now, &output) }
    }
    return output
  }

  /// Nothing is streamed, and everything that was missing has been asked for, or asked for often enough in vain.
  package var isDone: Bool { feeds.allSatisfy(\.isDone) }

  package var memories: [Venue: FeedMemory] {
    Dictionary(feeds.map { ($0.plan.venue, $0.memory) }) { first, _ in first }
  }

  package var report: LiveReport { LiveReport(feeds: feeds.map(FeedReport.init)) }
}

/// How a live feed stands.
package struct LiveReport: Hashable, Sendable {
  package let feeds: [FeedReport]
}

package struct FeedReport: Hashable, Sendable {
  package let venue: Venue
  package let isConnected: Bool
  package let connects: Int
  package let counts: FeedCounts
  package let backfill: BackfillQueue.Progress
  package let clockOffsetMicroseconds: Int64?
  package let series: [SeriesReport]

  init(_ feed: VenueFeed) {
    venue = feed.plan.venue
    isConnected = feed.links.isConnected
    connects = feed.links.connects
    counts = feed.counts
    backfill = feed.queue.progress
    clockOffsetMicroseconds = feed.skew.estimate?.offsetMicroseconds
    series = feed.series.map(SeriesReport.init)
  }
}

package struct SeriesReport: Hashable, Sendable {
  package let series: Series
  package let counts: SeriesCounts
  package let missingMinutes: Int64
  package let missingTradeIds: Int64
  /// Why the venue gave no minute at all; `nil` as soon as there is one.
  package let refusal: String?
  package let quality: QualityMonitor.Numbers

  init(_ feed: SeriesFeed) {
    series = feed.series
    counts = feed.counts
    missingMinutes = feed.minutes.missingMinutes
    missingTradeIds = feed.tradeIds.missingIds
    refusal = feed.counts.newest == nil ? feed.refusal : nil
    quality = feed.quality.numbers
  }
}
