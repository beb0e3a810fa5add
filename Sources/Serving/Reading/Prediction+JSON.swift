package import Evaluation
package import Market
package import Operations

extension Prediction {
  package var json: JSONValue { json(nil) }

  /// - Parameter interval: of the share that went up after probabilities like this one, where it is known.
  package func json(_ interval: WilsonInterval?) -> JSONValue {
    .object(members(interval) + (forecast.map(members) ?? []))
  }

  private func members(_ interval: WilsonInterval?) -> [JSONValue.Member] {
    let own: [(String, JSONValue)] = [
      ("id", .text(PredictionID(self).description)), ("time", .text(time.description)),
      ("available_at", .text(availableAt.description)),
      ("view", .text(view.description)),
      ("target", .text(target.description)), ("model", .text(modelName.rawValue)), ("version", .text(version)),
      ("arm", .text(arm.rawValue)),
      ("probability_up", JSONValue(probabilityUp)),
      ("probability_interval", interval.map { [JSONValue($0.low), JSONValue($0.high)] } ?? .null),
      ("change_percent", JSONValue(changePercent)),
      ("direction", JSONValue(direction?.rawValue)), ("confidence", JSONValue(confidence)), ("state", .text(state)),
      ("reason", .text(reason)), ("mode", .text(mode.rawValue)), ("feature_set", .text(featureSetHash)),
      ("input_hash", .text(inputHashText)), ("latency_microseconds", JSONValue(Double(latencyNanoseconds) / 1000)),
    ]
    return own.map { JSONValue.Member($0, $1) }
  }

  /// Under the names that readers of the tick cadence know.
  private func members(_ forecast: PriceForecast) -> [JSONValue.Member] {
    let own: [(String, JSONValue)] = [
      ("symbol", .text(view.price.symbol.name)), ("timestamp", .integer(time.milliseconds)),
      ("current_price", JSONValue(forecast.current)), ("predicted_price", JSONValue(forecast.predicted)),
      ("interval", .array([JSONValue(forecast.low), JSONValue(forecast.high)])),
      ("prediction_horizon_seconds", .integer((expiresAt.microseconds - time.microseconds) / 1_000_000)),
      ("model_version", .text(version)),
      ("features_age_ms", forecast.inputAgeMilliseconds.map { .integer($0) } ?? .null),
      ("inference_latency_ms", .integer(latencyNanoseconds / 1_000_000)), ("source", .text(forecast.source.rawValue)),
      ("expires_at", .text(expiresAt.description)),
    ]
    return own.map { JSONValue.Member($0, $1) }
  }

  /// Sixteen hexadecimal digits.
  package var inputHashText: String {
    let digits = String(inputHash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
