package import Market
package import Storage

/// What one step of the core gives.
package struct LiveOutput: Sendable {
  package var actions: [LiveAction] = []
  /// To be stored; predictions are added to it before.
  package var batch: LiveBatch
  /// Candles that became available, in order; what a pipeline folds.
  package var events: [MarketEvent] = []
  /// What happened between candles, in order.
  package var ticks: [TickEvent] = []
  package var notes: [LiveNote] = []

  package init(at now: Timestamp) { batch = LiveBatch(knownAt: now) }
}

/// A line for the log.
package struct LiveNote: Hashable, Sendable {
  package enum Level: Sendable { case debug, info, warning, error }

  package var level: Level
  /// `link`, `gap`, `backfill`, `quality`, `limit`, `clock`, `decode`.
  package var part: String
  package var series: Series?
  package var message: String

  package init(_ level: Level, _ part: String, _ series: Series? = nil, _ message: String) {
    (self.level, self.part, self.series, self.message) = (level, part, series, message)
  }
}
