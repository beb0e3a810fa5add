import Market
import Operations

extension Prediction {
  var json: JSONValue {
    [
      "time": .text(time.description), "available_at": .text(availableAt.description), "view": .text(view.description),
      "target": .text(target.description), "model": .text(modelName.rawValue), "version": .text(version),
      "probability_up": JSONValue(probabilityUp), "change_percent": JSONValue(changePercent),
      "direction": JSONValue(direction?.rawValue), "confidence": JSONValue(confidence), "state": .text(state),
      "reason": .text(reason), "mode": .text(mode.rawValue), "feature_set": .text(featureSetHash),
      "input_hash": .text(inputHashText), "latency_microseconds": JSONValue(Double(latencyNanoseconds) / 1000),
    ]
  }

  /// Sixteen hexadecimal digits.
  var inputHashText: String {
    let digits = String(inputHash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The probability of up, or the predicted change in percent.
  var answerText: String {
    if let probabilityUp { return "\(probabilityUp.rounded(digits: 4))" }
    return changePercent.map { "\($0.rounded(digits: 4)) %" } ?? "–"
  }
}

/// The models' answers at one decision, for people.
enum PredictionTable {
  static func text(_ predictions: [Prediction]) -> String {
    guard let first = predictions.first else { return "no decision is made at that time" }
    var table = Table([
      ("model", .left), ("up", .right), ("direction", .left), ("confidence", .right), ("state", .left),
    ])
    for prediction in predictions {
      table.add(
        prediction.modelName.rawValue, prediction.answerText, prediction.direction?.rawValue ?? "–",
        prediction.confidence.map { "\($0.rounded(digits: 4))" } ?? "–", prediction.state)
    }
    let version = first.version.isEmpty ? "no version" : first.version
    let reason = first.reason.isEmpty ? "" : "\n\(first.state): \(first.reason)"
    return "\(first.target)@\(first.view) at \(first.time), \(version)\n\(table.text)\(reason)"
  }
}
