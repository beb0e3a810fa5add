package import Market
package import Operations

extension Prediction {
  package var json: JSONValue {
    [
      "id": .text(PredictionID(self).description), "time": .text(time.description),
      "available_at": .text(availableAt.description), "view": .text(view.description),
      "target": .text(target.description), "model": .text(modelName.rawValue), "version": .text(version),
      "probability_up": JSONValue(probabilityUp), "change_percent": JSONValue(changePercent),
      "direction": JSONValue(direction?.rawValue), "confidence": JSONValue(confidence), "state": .text(state),
      "reason": .text(reason), "mode": .text(mode.rawValue), "feature_set": .text(featureSetHash),
      "input_hash": .text(inputHashText), "latency_microseconds": JSONValue(Double(latencyNanoseconds) / 1000),
    ]
  }

  /// Sixteen hexadecimal digits.
  package var inputHashText: String {
    let digits = String(inputHash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
