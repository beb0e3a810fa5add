import Market

/// Times of which there are rows already, since what they are decided on comes again to who takes over. The store is
/// asked once, for so much time after the first.
struct StoredTimes {
  private static let microseconds: Int64 = 3_600_000_000

  private var times: Set<Timestamp>?

  mutating func contains(_ time: Timestamp, ask: (Range<Timestamp>) throws -> Set<Timestamp>) rethrows -> Bool {
    let known = try times ?? ask(time..<time.adding(microseconds: Self.microseconds))
    times = known
    return known.contains(time)
  }
}
