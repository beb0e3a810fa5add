package import Market

extension ClockWindow {
  /// The price at the start, which the end is compared with.
  package func strike(_ prices: PricePath) -> Double? { prices.open(minute: start.minute) }

  /// All minutes from the start to `time` are present, so that a decision can be made.
  package func isDecidable(at time: Timestamp, _ prices: PricePath) -> Bool {
    start < time && prices.hasAll(start.minute..<time.minute)
  }
}
