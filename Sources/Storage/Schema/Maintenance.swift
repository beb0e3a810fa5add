package import Market

/// What a store does beside taking rows in and giving them out.
package protocol Maintenance: AnyObject {
  /// `model_registry` holds these rows and no others afterwards.
  func setModels(_ models: [RegisteredModel]) throws

  /// A range of candles that no cleanup touches; one that is there already stays as it is.
  func pin(_ pin: RetentionPin) throws

  /// By series and time.
  func pins() throws -> [RetentionPin]

  /// What a cleanup would take of each series' candles, at most a range each.
  func expiringCandles(_ policy: RetentionPolicy, at now: Timestamp) throws -> [ExpiringCandles]

  /// Takes away what is past its age, whole or not at all.
  func removeExpired(_ policy: RetentionPolicy, at now: Timestamp) throws -> RemovedRows

  /// Has the database compress and drop chunks by itself, where it can; nothing elsewhere.
  ///
  /// - Parameters:
  ///   - policy: `nil` drops nothing.
  ///   - compressAfterDays: 0 compresses nothing more.
  func setPolicies(_ policy: RetentionPolicy?, compressAfterDays: Int) throws

  /// An outcome that is stored already is replaced.
  func setOutcomes(_ outcomes: [PredictionOutcome]) throws

  /// Of the decisions in a range, by time and target.
  ///
  /// - Parameter target: `nil` for all.
  func outcomes(
    of view: MarketView, in range: Range<Timestamp>, target: PredictionTarget?
  ) throws -> [PredictionOutcome]

  /// Computes the rows of `prediction_accuracy` of the days from which on outcomes were added, and returns their number.
  func rollUpAccuracy(from day: Timestamp, at now: Timestamp) throws -> Int

  /// Of live predictions in a range that lack one, each time once.
  func predictionsWithoutOutcome(in range: Range<Timestamp>) throws -> [UnsettledPredictions]

  /// By day, view, target, model and version.
  func accuracy() throws -> [DailyAccuracy]

  /// Vectors that were cached, by time.
  func features(of view: MarketView, in range: Range<Timestamp>, limit: Int) throws -> [FeatureRow]
}

/// How long rows are kept, by kind.
package struct RetentionPolicy: Hashable, Sendable {
  /// Of candles and of an oracle's prices, which outcomes rest on.
  package var candlesDays: Int
  /// Of live predictions and their outcomes.
  package var predictionsDays: Int
  package var featuresDays: Int
  /// Of trades and quotes, resolved quality events and log records.
  package var restDays: Int

  package init(candlesDays: Int = 396, predictionsDays: Int = 92, featuresDays: Int = 31, restDays: Int = 30) {
    (self.candlesDays, self.predictionsDays) = (candlesDays, predictionsDays)
    (self.featuresDays, self.restDays) = (featuresDays, restDays)
  }

  /// Candles that open before it go.
  package func firstCandle(at now: Timestamp) -> Timestamp { Self.day(candlesDays, before: now) }
  func firstPrediction(at now: Timestamp) -> Timestamp { Self.day(predictionsDays, before: now) }
  func firstFeature(at now: Timestamp) -> Timestamp { Self.day(featuresDays, before: now) }
  func firstOther(at now: Timestamp) -> Timestamp { Self.day(restDays, before: now) }

  /// Whole days go, so that partitions can be dropped.
  private static func day(_ days: Int, before now: Timestamp) -> Timestamp {
    Timestamp(minute: (now.day - Int64(days)) * 1440)
  }
}

/// Candles of a series that a cleanup leaves alone.
package struct RetentionPin: Hashable, Sendable {
  package var series: Series
  package var range: Range<Timestamp>
  /// `imported`.
  package var reason: String
  package var pinnedAt: Timestamp

  package init(series: Series, range: Range<Timestamp>, reason: String, pinnedAt: Timestamp) {
    (self.series, self.range, self.reason, self.pinnedAt) = (series, range, reason, pinnedAt)
  }
}

package struct ExpiringCandles: Hashable, Sendable {
  package let series: Series
  /// Open times from the first to after the last.
  package let range: Range<Timestamp>
  /// Minutes, whatever the number of their versions.
  package let rows: Int
}

package struct RemovedRows: Hashable, Sendable {
  /// Versions of candles.
  package var candles = 0
  /// Ticks and minutes.
  package var oracles = 0
  package var predictions = 0
  package var outcomes = 0
  package var features = 0
  package var rest = 0

  package var isEmpty: Bool { self == RemovedRows() }

  package init() {}
}

/// What came true of a target at a decision: 1 or 0 for up and down, percent for a change.
package struct PredictionOutcome: Hashable, Sendable {
  package var time: Timestamp
  package var view: MarketView
  package var target: PredictionTarget
  package var value: Double
  package var knownAt: Timestamp

  package init(time: Timestamp, view: MarketView, target: PredictionTarget, value: Double, knownAt: Timestamp) {
    (self.time, self.view, self.target) = (time, view, target)
    (self.value, self.knownAt) = (value, knownAt)
  }
}

/// Decision times of one view and target.
package struct UnsettledPredictions: Hashable, Sendable {
  package let view: MarketView
  package let target: PredictionTarget
  package internal(set) var times: [Timestamp]
}

/// A row of `prediction_accuracy`.
package struct DailyAccuracy: Hashable, Sendable {
  /// Its midnight, UTC.
  package let day: Timestamp
  package let view: MarketView
  package let target: PredictionTarget
  package let model: ModelName
  package let version: String
  package let count: Int
  /// Fraction of directions that came true.
  package let accuracy: Double
  /// `nil` for changes, as is the log loss.
  package let brier: Double?
  package let logLoss: Double?
  /// In percent, for changes alone.
  package let meanAbsoluteError: Double?
}
