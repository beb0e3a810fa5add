package import Market
package import Storage
package import Venues

/// What a live feed does and from where it starts. With the same plan and the same inputs a core does the same.
package struct LivePlan: Codable, Hashable, Sendable {
  /// Of everything that is drawn by lot, such as the length of pauses.
  package var seed: UInt64
  package var thresholds: LiveThresholds
  package var feeds: [FeedPlan]

  package init(seed: UInt64, thresholds: LiveThresholds, feeds: [FeedPlan]) {
    (self.seed, self.thresholds, self.feeds) = (seed, thresholds, feeds)
  }
}

/// One venue of a plan.
package struct FeedPlan: Codable, Hashable, Sendable {
  package var venue: Venue
  /// Which of the known protocols it speaks, such as `binance`.
  package var interface: String
  /// Without any, nothing is streamed: what is missing is fetched, and then the feed is done.
  package var channels: [Channel]
  package var series: [SeriesPlan]
  /// The venue's own minutes do not come, so they are made of its trades.
  package var makesCandlesOfTrades = false

  package init(venue: Venue, interface: String, channels: [Channel], series: [SeriesPlan]) {
    (self.venue, self.interface, self.channels, self.series) = (venue, interface, channels, series)
  }
}

/// One series of a plan, and what a store knows of it.
package struct SeriesPlan: Codable, Hashable, Sendable {
  /// As the venue names it.
  package var symbol: Symbol
  /// The first minute that is to be there, since 1970.
  package var firstMinute: Int64
  /// From this one on none is expected; `nil` is without an end.
  package var endMinute: Int64?
  /// What of that is known already, and how it came.
  package var ledger: [LedgerRange]
  /// Gaps that were open.
  package var events: [QualityEvent]

  package init(symbol: Symbol, firstMinute: Int64, ledger: [LedgerRange] = [], events: [QualityEvent] = []) {
    (self.symbol, self.firstMinute, self.ledger, self.events) = (symbol, firstMinute, ledger, events)
  }
}

/// The knobs of a live feed.
package struct LiveThresholds: Codable, Hashable, Sendable {
  package var gapSeconds = 70.0
  package var gapAlarmSeconds = 60.0
  package var backfillsAtOnce = 5
  package var backfillTimeoutSeconds = 300.0
  package var candlesPerRequest = 1000
  package var recheckMinutes = 60
  package var silenceSeconds = 30.0
  package var rotationMinutes = 1430
  package var skewAlarmMilliseconds = 250.0
  package var pollSeconds = 60.0
  package var completeness = 0.95
  package var missing = 0.1
  package var staleSeconds = 300.0
  package var invalid = 0.05
  package var qualityWindowMinutes = 60
  package var qualityCheckSeconds = 60.0
  /// What was missed before the start is fetched; otherwise it is lost.
  package var takesUpAgain = true
  /// Rows for the table `market_data` are made.
  package var makesMarketData = false
  /// A stream of trades that is silent for longer is helped out by requests; `nil` never.
  package var maxTickAgeMilliseconds: Int64?

  package init() {}
}
