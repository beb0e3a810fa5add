package import Features
package import Market

/// A minute with its features: what goes from a feature stage to a decision stage, also between processes.
package struct FeatureVector: Hashable, Sendable {
  package var candle: FeatureInput
  /// Raw, in the order of the view's feature set.
  package var vector: [Float]

  package init(candle: FeatureInput, vector: [Float]) { (self.candle, self.vector) = (candle, vector) }
}

/// What a feature stage gives, step by step.
package enum FeatureUpdate: Hashable, Sendable {
  /// The next minute, to be decided on: when everything it was made of was available, and whether enough minutes came
  /// before it.
  case next(FeatureVector, availableAt: Timestamp, isWarm: Bool)
  /// Late truth: so many minutes were folded again, and these are the newest of them, oldest first.
  case amended([FeatureVector], candles: Int)
  /// Late truth from before everything kept: what stands in the store is to be folded anew.
  case needsRebuild(from: Timestamp)
}
