package import Market

/// Predictions as they were made. A prediction is unique by decision time, view, target, model, version and mode.
package protocol PredictionLog: AnyObject {
  /// Adds what is not there yet and returns how many that were.
  func insert(_ predictions: [Prediction]) throws -> Int

  /// Calls `body` with batches in the order of time, target and model.
  func readPredictions(_ filter: PredictionFilter, _ body: ([Prediction]) throws -> Void) throws

  /// `.csv` or `.parquet` by the path's ending; returns the rows written.
  func exportPredictions(_ filter: PredictionFilter, to path: String) throws -> Int
}

extension PredictionLog {
  package func predictions(_ filter: PredictionFilter = PredictionFilter()) throws -> [Prediction] {
    var result: [Prediction] = []
    try readPredictions(filter) { result += $0 }
    return result
  }
}

/// Which predictions are meant; what is `nil` does not matter.
package struct PredictionFilter: Hashable, Sendable {
  /// Of decision times.
  package var range: Range<Timestamp>
  package var view: MarketView?
  package var target: PredictionTarget?
  package var model: ModelName?
  package var version: String?
  package var mode: Prediction.Mode?
  package var arms: Set<Prediction.Arm>?

  package init(
    range: Range<Timestamp> = .all, view: MarketView? = nil, target: PredictionTarget? = nil, model: ModelName? = nil,
    version: String? = nil, mode: Prediction.Mode? = nil, arms: Set<Prediction.Arm>? = nil
  ) {
    (self.range, self.view, self.target) = (range, view, target)
    (self.model, self.version, self.mode, self.arms) = (model, version, mode, arms)
  }

  /// The condition on the column `arm`, which nothing but our own words stands in; none where all are meant.
  var armCondition: [String] {
    guard let arms, arms.count < Prediction.Arm.allCases.count else { return [] }
    let names = arms.map { "'\($0.rawValue)'" }.sorted()
    return names.isEmpty ? ["FALSE"] : ["coalesce(arm, 'main') IN (\(names.joined(separator: ", ")))"]
  }
}

/// What the store remembers about evaluation and training.
package protocol Journal: AnyObject {
  /// Notes that a period was looked at and returns how often it was by now, this time included.
  func openEvaluation(_ opening: EvaluationOpening, at time: Timestamp) throws -> Int

  /// Notes a training unless it has been noted: a model of a version is trained at one time.
  func recordTraining(_ training: TrainingRecord) throws

  /// Names of the versions that `recordTraining` was told of.
  func trainedVersions() throws -> Set<String>

  /// A small value under a name, `nil` to remove it.
  func setMeta(_ key: String, _ value: String?) throws

  func meta(_ key: String) throws -> String?
}

/// A period on which a version is scored.
package struct EvaluationOpening: Hashable, Sendable {
  package let view: MarketView
  package let target: PredictionTarget
  package let version: String
  package let period: Range<Timestamp>

  package init(view: MarketView, target: PredictionTarget, version: String, period: Range<Timestamp>) {
    (self.view, self.target, self.version, self.period) = (view, target, version, period)
  }
}

/// One row of the table `training_metadata`.
package struct TrainingRecord: Hashable, Sendable {
  package var trainedAt: Timestamp
  package var view: MarketView
  package var target: PredictionTarget
  package var version: String
  package var modelName: ModelName
  package var trainedOn: Range<Timestamp>
  package var rows: Int
  package var logLoss: Double?
  package var auc: Double?
  package var accuracy: Double?
  /// What the promotion gate said.
  package var verdict: String
  /// Rows that it was judged on.
  package var validationRows: Int?
  /// In percent, for targets that are changes.
  package var rootMeanSquaredError: Double?
  package var meanAbsoluteError: Double?

  package init(
    trainedAt: Timestamp, view: MarketView, target: PredictionTarget, version: String, modelName: ModelName,
    trainedOn: Range<Timestamp>, rows: Int, logLoss: Double?, auc: Double?, accuracy: Double?, verdict: String,
    validationRows: Int? = nil, rootMeanSquaredError: Double? = nil, meanAbsoluteError: Double? = nil
  ) {
    (self.trainedAt, self.view, self.target, self.version) = (trainedAt, view, target, version)
    (self.modelName, self.trainedOn, self.rows) = (modelName, trainedOn, rows)
    (self.logLoss, self.auc, self.accuracy, self.verdict) = (logLoss, auc, accuracy, verdict)
    (self.validationRows, self.rootMeanSquaredError) = (validationRows, rootMeanSquaredError)
    self.meanAbsoluteError = meanAbsoluteError
  }
}
