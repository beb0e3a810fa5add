package import Market

/// What a version is, where it came from and how good it was: its `card.json`.
package struct VersionCard: Sendable, Hashable, Codable {
  package static let currentSchema = 1

  package var schema = currentSchema
  package var name: VersionName
  package var created: Timestamp
  package var view: MarketView
  package var target: PredictionTarget
  package var dataset: Dataset
  package var layout: InputLayout
  package var seed: UInt64
  package var threads: Int
  package var codeVersion: String
  /// Trained on made-up data; never promoted.
  package var isSynthetic: Bool
  /// Everything needed to fit the same models again; its writer alone reads it.
  package var recipe: JSONNode
  /// Kind of calibrator by model.
  package var calibratorKinds: [String: String]
  /// Scope (`pooled`, `fold-3`), model or baseline, metric.
  package var scores: [String: [String: [String: Estimate]]]
  package var gate: GateVerdict
  /// For a refit: the version whose verdict this one inherits.
  package var judgedVersion: VersionName?
  /// For a refit: how far it and the judged version agree, by measure.
  package var agreement: [String: Double]?
  package var trainRows: Int
  package var notes: [String]

  package init(
    name: VersionName, created: Timestamp, view: MarketView, target: PredictionTarget, dataset: Dataset,
    layout: InputLayout, seed: UInt64, threads: Int, codeVersion: String, isSynthetic: Bool, recipe: JSONNode,
    calibratorKinds: [String: String], scores: [String: [String: [String: Estimate]]], gate: GateVerdict,
    judgedVersion: VersionName? = nil, agreement: [String: Double]? = nil, trainRows: Int, notes: [String] = []
  ) {
    self.name = name
    self.created = created
    self.view = view
    self.target = target
    self.dataset = dataset
    self.layout = layout
    self.seed = seed
    self.threads = threads
    self.codeVersion = codeVersion
    self.isSynthetic = isSynthetic
    self.recipe = recipe
    self.calibratorKinds = calibratorKinds
    self.scores = scores
    self.gate = gate
    self.judgedVersion = judgedVersion
    self.agreement = agreement
    self.trainRows = trainRows
    self.notes = notes
  }

  /// The rows a version was trained on: decisions from `from` until before `to`, as known at `asOf`.
  package struct Dataset: Sendable, Hashable, Codable {
    package var from: Timestamp
    package var to: Timestamp
    package var asOf: Timestamp
    package var sha256: String
    package var rows: Int

    package init(from: Timestamp, to: Timestamp, asOf: Timestamp, sha256: String, rows: Int) {
      self.from = from
      self.to = to
      self.asOf = asOf
      self.sha256 = sha256
      self.rows = rows
    }
  }
}

/// A figure with its 95 % interval.
package struct Estimate: Sendable, Hashable, Codable {
  package var value: Double?
  /// `nil` when there are too few days to draw from.
  package var low: Double?
  package var high: Double?

  /// A value that is not finite is not known.
  package init(_ value: Double, low: Double? = nil, high: Double? = nil) {
    self.value = value.isFinite ? value : nil
    (self.low, self.high) = (low, high)
  }
}

/// Whether a version may go to production.
package struct GateVerdict: Sendable, Hashable, Codable {
  package var isPassed: Bool
  /// In words.
  package var reason: String
  /// Brier skill over `baseline` on the last fold.
  package var skill: Estimate?
  /// The best baseline there.
  package var baseline: String?
  /// Why the interval may not be believed.
  package var warning: String?

  package init(
    isPassed: Bool, reason: String, skill: Estimate? = nil, baseline: String? = nil, warning: String? = nil
  ) {
    self.isPassed = isPassed
    self.reason = reason
    self.skill = skill
    self.baseline = baseline
    self.warning = warning
  }
}

extension VersionCard {
  /// Throws unless it was made for this view and these columns.
  func demand(
    _ view: MarketView, featureSetHash: String, columnNames: [String], in folder: String
  ) throws(VersionError) {
    guard self.view == view else {
      throw .mismatch(what: "the market view", folder: folder, expected: "\(view)", actual: "\(self.view)")
    }
    guard layout.featureSetHash == featureSetHash else {
      throw .mismatch(
        what: "the feature set's hash", folder: folder, expected: featureSetHash, actual: layout.featureSetHash)
    }
    guard layout.columnNames == columnNames else {
      throw .mismatch(
        what: "the list of columns", folder: folder, expected: "\(columnNames.count) names",
        actual: "another list of \(layout.columnNames.count)")
    }
  }
}
