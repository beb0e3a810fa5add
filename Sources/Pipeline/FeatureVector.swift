package import Features
package import Market

/// A minute with its features: what goes from a feature stage to a decision stage, also between processes.
package struct FeatureVector: Hashable, Sendable {
  package var candle: FeatureInput
  /// Raw, in the order of the view's feature set.
  package var vector: [Float]

  package init(candle: FeatureInput, vector: [Float]) { (self.candle, self.vector) = (candle, vector) }

  /// Bit for bit, so that what is not known equals what is not known.
  func isSame(as other: FeatureVector) -> Bool {
    candle.hasBits(of: other.candle)
      && vector.elementsEqual(other.vector) { $0.bitPattern == $1.bitPattern }
  }
}

extension FeatureInput {
  fileprivate func hasBits(of other: FeatureInput) -> Bool {
    openTime == other.openTime && zip(numbers, other.numbers).allSatisfy { $0.bitPattern == $1.bitPattern }
  }

  private var numbers: [Double] {
    [open, high, low, close, volume, quoteVolume, trades, takerBuyBase, takerBuyQuote]
  }
}

/// What a feature stage gives, step by step.
package enum FeatureUpdate: Hashable, Sendable {
  /// The next minute, to be decided on: when everything it was made of was available, and whether enough minutes came
  /// before it.
  case next(FeatureVector, availableAt: Timestamp, isWarm: Bool)
  /// Late truth: so many minutes were folded again, and of the newest ones these are not as they were told, oldest first.
  case amended([FeatureVector], candles: Int)
  /// Late truth from before everything kept: what stands in the store is to be folded anew.
  case needsRebuild(from: Timestamp)
}
