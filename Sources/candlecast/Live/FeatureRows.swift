import Features
import Market
import Models
import Pipeline
import Storage

/// Makes rows of `feature_cache` of what a pipeline has folded.
struct FeatureRows {
  /// Whose production version scales.
  let target: PredictionTarget
  private let view: MarketView
  private let names: [String]
  private let hash: String

  init(_ view: MarketView, _ target: PredictionTarget) {
    (self.view, self.target) = (view, target)
    let set = FeatureSet.of(view)
    (names, hash) = (set.names, set.hash.description)
  }

  /// The newest candle's; `nil` before the first.
  ///
  /// - Parameter isPromoted: the version that answers for the target is in production.
  func newest(of pipeline: borrowing PredictionPipeline, isPromoted: Bool) -> FeatureRow? {
    guard let openTime = pipeline.newestOpenTime else { return nil }
    let vector = pipeline.vector
    var json = "{\"raw\":" + Self.object(zip(names, vector))
    var version = ""
    if isPromoted, let bundle = pipeline.bundle(of: target), let scaled = bundle.scaledColumns(vector) {
      version = bundle.card.name.description
      json += ",\"scaled\":" + Self.object(scaled.lazy.map { ($0.name, $0.value) })
      json += ",\"version\":\"\(version)\""
    }
    return FeatureRow(
      time: openTime.adding(minutes: 1), view: view, featureSetHash: hash, version: version, json: json + "}")
  }

  /// Names are letters, digits and underscores. What is not known is null.
  private static func object(_ values: some Sequence<(String, Float)>) -> String {
    "{" + values.map { "\"\($0.0)\":\($0.1.isFinite ? "\($0.1)" : "null")" }.joined(separator: ",") + "}"
  }
}
