package import Market

/// A row of `feature_cache`: what was known at a decision. It is identified by time, view, feature set and version.
package struct FeatureRow: Hashable, Sendable {
  /// The decision time: the close of the newest candle.
  package var time: Timestamp
  package var view: MarketView
  package var featureSetHash: String
  /// The version whose scaling `json` has; empty without one.
  package var version: String
  /// An object with `raw`, values by name, and `scaled` where a version scales them.
  package var json: String

  package init(time: Timestamp, view: MarketView, featureSetHash: String, version: String, json: String) {
    (self.time, self.view, self.featureSetHash) = (time, view, featureSetHash)
    (self.version, self.json) = (version, json)
  }
}
