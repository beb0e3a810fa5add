internal import Market

/// What prices tell of a window that is not over.
struct WindowReading: Hashable, Sendable {
  /// The newest one.
  let price: Double
  let ageMilliseconds: Int64
  let source: PriceForecast.Source
  /// What the end is compared with.
  let strike: Double
  let outlook: WindowOutlook
}

/// Why nothing is said of a window.
struct WindowSilence: Error, Hashable, Sendable {
  /// Of a state `abstain:…`.
  let code: String
  let reason: String
}
