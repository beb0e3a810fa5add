internal import Market
internal import Models
internal import Operations

/// What is said of one vector.
struct VectorAnswer: Sendable {
  let target: PredictionTarget
  let view: MarketView
  var modelName: ModelName
  /// The probability of up; for `change-H` targets the percent change. `nil` when nothing can be said.
  var value: Double?
  /// Empty where none is served.
  var version: String
  /// `fresh`, `unpromoted` or `abstain:…`, as in stored predictions.
  var state: String
  var reason: String
  let featureSetHash: String
  let inputHash: Fingerprint
  /// What every model says that one vector is enough for.
  private(set) var models: [(name: ModelName, value: Double)] = []

  init(
    target: PredictionTarget, view: MarketView, modelName: ModelName, value: Double?, version: String, state: String,
    reason: String, featureSetHash: String, inputHash: Fingerprint
  ) {
    (self.target, self.view, self.modelName, self.value) = (target, view, modelName, value)
    (self.version, self.state, self.reason) = (version, state, reason)
    (self.featureSetHash, self.inputHash) = (featureSetHash, inputHash)
  }

  /// - Parameters:
  ///   - asked: the model that was asked for.
  ///   - preferred: without one, the first of them that answers is the answer.
  mutating func take(_ answers: Answers, of version: String, asked: ModelName?, preferred: [ModelName]) {
    self.version = version
    for name in preferred {
      if let answer = answers[name] { models.append((name, answer.value)) }
    }
    guard !models.isEmpty else { return abstain(answers.abstention) }
    let chosen = asked.flatMap { asked in models.first { $0.name == asked } } ?? models[0]
    (modelName, value) = (chosen.name, chosen.value)
  }

  mutating func takeBaseline(_ value: Double?) {
    guard let value else { return abstain(.noVolatility) }
    (modelName, self.value, models) = (.baseline, value, [(.baseline, value)])
  }

  private mutating func abstain(_ abstention: Abstention?) {
    state = "abstain:no_volatility"
    reason = abstention?.description ?? "nothing answers for one vector"
  }

  var json: JSONValue {
    let isBinary = target.isBinary
    let isUp = value.map { $0 >= (isBinary ? 0.5 : 0) }
    return [
      "prediction": JSONValue(value), "model_name": .text(modelName.rawValue), "model_version": .text(version),
      "target": .text(target.description), "view": .text(view.description),
      "probability_up": isBinary ? JSONValue(value) : .null, "change_percent": isBinary ? .null : JSONValue(value),
      "direction": JSONValue(isUp.map { $0 ? "UP" : "DOWN" }),
      "confidence": isBinary ? JSONValue(value.map { max($0, 1 - $0) }) : .null,
      "state": .text(state), "reason": .text(reason), "feature_set": .text(featureSetHash),
      "input_hash": .text(inputHash.description),
      "models": .object(models.map { .init($0.name.rawValue, .number($0.value)) }),
    ]
  }

  static let schema: JSONValue = [
    "type": "object", "required": ["prediction", "model_name", "target", "state"],
    "properties": [
      "prediction": ["type": ["number", "null"]], "model_name": ["type": "string"], "model_version": ["type": "string"],
      "target": ["type": "string"], "view": ["type": "string"], "probability_up": ["type": ["number", "null"]],
      "change_percent": ["type": ["number", "null"]],
      "direction": ["type": ["string", "null"], "enum": ["UP", "DOWN", .null]],
      "confidence": ["type": ["number", "null"]], "state": ["type": "string"], "reason": ["type": "string"],
      "feature_set": ["type": "string"], "input_hash": ["type": "string"],
      "models": ["type": "object", "additionalProperties": ["type": "number"]],
    ],
  ]
}
