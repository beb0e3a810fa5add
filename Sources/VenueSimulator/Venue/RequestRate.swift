import Market

/// So many requests a second, with some credit for bursts.
struct RequestRate: Sendable {
  private let perSecond: Int64
  private let burst: Int64
  /// In millionths of a request.
  private var credit: Int64
  private var last = Timestamp.distantPast

  init(perSecond: Int64, burst: Int64) {
    (self.perSecond, self.burst, credit) = (perSecond, burst, burst * 1_000_000)
  }

  /// `false` if that is one too many.
  mutating func take(at now: Timestamp) -> Bool {
    let passed = last == .distantPast ? 0 : min(max(0, now.microseconds - last.microseconds), 60_000_000)
    last = now
    credit = min(burst * 1_000_000, credit + passed * perSecond)
    guard credit >= 1_000_000 else { return false }
    credit -= 1_000_000
    return true
  }
}
