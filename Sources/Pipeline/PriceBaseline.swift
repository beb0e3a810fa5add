internal import Features
package import Market
package import Models

/// What follows from the price alone, where no version answers.
package enum PriceBaseline {
  /// The column that a window's closed form reads.
  package static let volatilityColumn = "volatility_30"

  /// The closed form for a window; one half, or no change, otherwise. `nil` where a window's volatility is not known.
  package static func value(of target: PredictionTarget, _ window: WindowState?, volatility: Double) -> Double? {
    guard let window else { return target.isBinary ? 0.5 : 0 }
    return ClosedForm(window, volatility: volatility)?.probability.value
  }
}

extension Fingerprint {
  /// Of the bits of a feature vector and a window's state: the input hash of a prediction.
  package init(_ vector: UnsafeBufferPointer<Float>, _ window: WindowState?) {
    self.init()
    for pair in stride(from: 0, to: vector.count, by: 2) {
      let high = pair + 1 < vector.count ? UInt64(vector[pair + 1].bitPattern) : 0
      combine(high << 32 | UInt64(vector[pair].bitPattern))
    }
    if let window {
      combine(UInt64(window.minutesLeft))
      combine(window.moveBasisPoints.bitPattern)
    }
  }
}
