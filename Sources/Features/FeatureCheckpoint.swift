package import Market

/// The whole state of an engine after one candle, apart from the engine it was taken from.
package struct FeatureCheckpoint: Sendable {
  /// One, apart from the rest, so that a look at the rest does not copy it.
  var indicators = [CandleIndicators()]
  var row = FeatureRow()
  var newest: FeatureInput?
  var candlesSinceRestart = 0

  /// Open time of the newest candle folded; `nil` before the first.
  package var openTime: Timestamp? { newest?.openTime }
}
