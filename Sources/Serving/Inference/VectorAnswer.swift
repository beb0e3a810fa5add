internal import Market
internal import Models
internal import Operations

/// What is said of one vector.
struct VectorAnswer: Sendable {
  let target: PredictionTarget
  let view: String
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
    target: PredictionTarget, view: String, modelName: ModelName, value: Double?, version: String, state: String,
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
    models.reserveCapacity(preferred.count)
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

  /// As JSON. Written without a tree of values, which would cost more than the prediction.
  var body: [UInt8] {
    let isBinary = target.isBinary
    let isUp = value.map { $0 >= (isBinary ? 0.5 : 0) }
    var writer = JSONWriter(reserving: 1024)
    writer.beginObject()
    writer.member("prediction", value)
    writer.member("model_name", modelName.rawValue)
    writer.member("model_version", version)
    writer.member("target", target.description)
    writer.member("view", view)
    writer.member("probability_up", isBinary ? value : nil)
    writer.member("change_percent", isBinary ? nil : value)
    writer.member("direction", isUp.map { $0 ? "UP" : "DOWN" })
    writer.member("confidence", isBinary ? value.map { max($0, 1 - $0) } : nil)
    writer.member("state", state)
    writer.member("reason", reason)
    writer.member("feature_set", featureSetHash)
    writer.member("input_hash", inputHash.description)
    writer.name("models")
    writer.beginObject()
    for model in models {
      writer.name(model.name.rawValue)
      writer.value(model.value)
    }
    writer.endObject()
    writer.endObject()
    return writer.bytes
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
