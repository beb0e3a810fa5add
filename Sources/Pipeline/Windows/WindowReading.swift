package import Market

/// What prices tell of a window that is not over.
package struct WindowReading: Hashable, Sendable {
  /// The newest one.
  package let price: Double
  package let ageMilliseconds: Int64
  package let source: PriceForecast.Source
  /// What the end is compared with.
  package let strike: Double
  package let outlook: WindowOutlook

  package init(
    price: Double, ageMilliseconds: Int64, source: PriceForecast.Source, strike: Double, outlook: WindowOutlook
  ) {
    (self.price, self.ageMilliseconds, self.source) = (price, ageMilliseconds, source)
    (self.strike, self.outlook) = (strike, outlook)
  }
}

/// Why nothing is said of a window.
package struct WindowSilence: Error, Hashable, Sendable {
  /// Of a state `abstain:…`.
  package let code: String
  package let reason: String

  package init(code: String, reason: String) { (self.code, self.reason) = (code, reason) }
}
