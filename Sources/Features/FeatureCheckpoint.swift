package import Market

/// The whole state of an engine after one candle, apart from the engine it was taken from.
package struct FeatureCheckpoint: Sendable {
  fileprivate let engine: FeatureEngine

  /// Open time of the newest candle folded; `nil` before the first.
  package var openTime: Timestamp? { engine.openTime }
}

extension FeatureEngine {
  package func checkpoint() -> FeatureCheckpoint { FeatureCheckpoint(engine: self) }

  package init(restoring checkpoint: FeatureCheckpoint) { self = checkpoint.engine }
}
