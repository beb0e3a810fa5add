internal import Market

extension ClockWindow {
  /// Also between minutes.
  func exactMinutesLeft(at time: Timestamp) -> Double { Double(end.microseconds - time.microseconds) / 6e7 }
}
