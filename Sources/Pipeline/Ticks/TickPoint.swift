package import Features
package import Market

/// The inputs of one moment, with how old they are and where they came from: what goes from what follows a market to
/// what predicts, also between processes.
package struct TickPoint: Hashable, Sendable {
  package var inputs: TickInputs
  /// Of the newest trade or quote; `nil` if there is none.
  package var ageMilliseconds: Int64?
  package var source: PriceForecast.Source

  package init(inputs: TickInputs, ageMilliseconds: Int64?, source: PriceForecast.Source) {
    (self.inputs, self.ageMilliseconds, self.source) = (inputs, ageMilliseconds, source)
  }
}
