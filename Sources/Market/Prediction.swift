/// One prediction as it is stored and shown.
package struct Prediction: Hashable, Sendable {
  /// The decision time: the close of the last candle the prediction has seen.
  package var time: Timestamp
  /// When its newest input became available to a live reader.
  package var availableAt: Timestamp
  package var view: MarketView
  package var target: PredictionTarget
  /// `nil` when the pipeline abstains.
  package var probabilityUp: Double?
  /// Predicted percent change, for `change-H` targets only.
  package var changePercent: Double?
  /// Probability of the stated direction times degradation factors, 0–1; `nil` when the pipeline abstains.
  package var confidence: Double?
  package var modelName: ModelName
  /// Name of the version directory; empty for the baseline.
  package var version: String
  package var featureSetHash: String
  /// FNV-1a of the bits of the feature vector and the window's state.
  package var inputHash: UInt64
  /// `fresh`, `unpromoted`, one of the tick cadence's or `abstain:…`.
  package var state: String
  package var reason: String
  package var mode: Mode
  /// Not part of a prediction's identity.
  package var latencyNanoseconds: Int64
  /// `nil` for predictions of the candle cadence.
  package var forecast: PriceForecast?
  /// Which of the versions that answer for the target made it.
  package var arm: Arm

  package enum Arm: String, Sendable, CaseIterable {
    /// What serves: the version in production, or what stands in for one.
    case main
    /// A version that serves a part of the decisions in its place.
    case split
    /// A version that answers every decision and serves none.
    case shadow

    /// Those whose answers are told to clients.
    package static let served: Set<Arm> = [.main, .split]

    /// What was stored before there were arms has none.
    package init?(stored text: String?) {
      guard let text else {
        self = .main
        return
      }
      self.init(rawValue: text)
    }
  }

  package enum Mode: String, Sendable, CaseIterable { case live, replay, predict }

  package enum Direction: String, Sendable { case up = "UP", down = "DOWN" }

  /// The probability of up, or the predicted change in percent.
  package var answer: Double? { probabilityUp ?? changePercent }

  package var isServed: Bool { Arm.served.contains(arm) }

  /// Equality is up, as in the settlement rule.
  package var direction: Direction? {
    if let probabilityUp { return probabilityUp >= 0.5 ? .up : .down }
    if let changePercent { return changePercent >= 0 ? .up : .down }
    return nil
  }

  package init(
    time: Timestamp, availableAt: Timestamp, view: MarketView, target: PredictionTarget, probabilityUp: Double?,
    changePercent: Double? = nil, confidence: Double?, modelName: ModelName, version: String, featureSetHash: String,
    inputHash: UInt64, state: String, reason: String, mode: Mode, latencyNanoseconds: Int64,
    forecast: PriceForecast? = nil, arm: Arm = .main
  ) {
    self.time = time
    self.availableAt = availableAt
    self.view = view
    self.target = target
    self.probabilityUp = probabilityUp
    self.changePercent = changePercent
    self.confidence = confidence
    self.modelName = modelName
    self.version = version
    self.featureSetHash = featureSetHash
    self.inputHash = inputHash
    self.state = state
    self.reason = reason
    self.mode = mode
    self.latencyNanoseconds = latencyNanoseconds
    self.forecast = forecast
    self.arm = arm
  }
}

/// The names under which models answer, in the log, the tables and the cards.
package enum ModelName: String, Sendable, CaseIterable, Codable {
  case a = "ModelA"
  case b = "ModelB"
  case c = "ModelC"
  case mlp = "MLP"
  case ensemble = "Ensemble"
  case baseline = "Baseline"
  /// The line through the prices of the last minute.
  case linear = "Linear"

  /// Those of the candle cadence, in the order in which they answer.
  package static let ofCandles: [ModelName] = [.a, .b, .c, .mlp, .ensemble, .baseline]
}
