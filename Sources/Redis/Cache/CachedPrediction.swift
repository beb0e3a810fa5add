package import Market

/// The newest prediction of an instrument, under the names that its readers know.
package struct CachedPrediction: Hashable, Sendable {
  package var symbol: Symbol
  /// To the millisecond.
  package var timestamp: Timestamp
  package var currentPrice: Double?
  /// `nil` for models that give a direction only, or where nothing is predicted.
  package var predictedPrice: Double?
  package var horizonSeconds: Int64
  /// 0 to 1.
  package var confidence: Double?
  package var modelVersion: String
  package var featuresAgeMilliseconds: Int64
  package var latencyMilliseconds: Int64
  /// Where the features came from: `redis`, `fallback`, or `pipeline` where both run in one process.
  package var source: String
  /// `ok`, or what is wrong; `nil` where the writer does not tell.
  package var state: String?

  package init(
    symbol: Symbol, timestamp: Timestamp, currentPrice: Double?, predictedPrice: Double?, horizonSeconds: Int64,
    confidence: Double?, modelVersion: String, featuresAgeMilliseconds: Int64, latencyMilliseconds: Int64,
    source: String, state: String? = nil
  ) {
    (self.symbol, self.timestamp, self.currentPrice) = (symbol, timestamp, currentPrice)
    (self.predictedPrice, self.horizonSeconds, self.confidence) = (predictedPrice, horizonSeconds, confidence)
    (self.modelVersion, self.featuresAgeMilliseconds) = (modelVersion, featuresAgeMilliseconds)
    (self.latencyMilliseconds, self.source, self.state) = (latencyMilliseconds, source, state)
  }
}

extension CachedPrediction {
  package var json: [UInt8] {
    var text = JSONText()
    text.add("symbol", symbol.name)
    text.add("timestamp", timestamp.milliseconds)
    text.add("current_price", currentPrice)
    text.add("predicted_price", predictedPrice)
    text.add("prediction_horizon_seconds", horizonSeconds)
    text.add("confidence", confidence)
    text.add("model_version", modelVersion)
    text.add("features_age_ms", featuresAgeMilliseconds)
    text.add("inference_latency_ms", latencyMilliseconds)
    text.add("source", source)
    if let state { text.add("state", state) }
    return text.bytes
  }

  /// Members that it does not know are passed over.
  package init(json: [UInt8]) throws(JSONMembersError) {
    let members = try JSONMembers(json)
    self.init(
      symbol: try members.symbol("symbol"), timestamp: try members.milliseconds("timestamp"),
      currentPrice: try members.number("current_price"), predictedPrice: try members.number("predicted_price"),
      horizonSeconds: try members.integer("prediction_horizon_seconds") ?? 60,
      confidence: try members.number("confidence"), modelVersion: try members.text("model_version") ?? "",
      featuresAgeMilliseconds: try members.integer("features_age_ms") ?? 0,
      latencyMilliseconds: try members.integer("inference_latency_ms") ?? 0,
      source: try members.text("source") ?? "redis", state: try members.text("state"))
  }
}
