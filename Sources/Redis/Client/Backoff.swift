internal import Market

/// How long to pause between attempts: from one failure to the next up to twice as long, and never twice the same.
struct Backoff {
  private let first: Int64
  private let longest: Int64
  private var random: SplitMix64
  private(set) var failures = 0

  /// In nanoseconds.
  init(first: Int64, longest: Int64, seed: UInt64) {
    (self.first, self.longest) = (max(1, first), max(1, longest))
    random = SplitMix64(seed: seed)
  }

  /// Nanoseconds, between half and all of the pause for this many failures.
  mutating func failed() -> Int64 {
    failures += 1
    let (doubled, overflows) = first.multipliedReportingOverflow(by: 1 << min(failures - 1, 40))
    let pause = overflows ? longest : min(longest, doubled)
    return pause - Int64.random(in: 0...pause / 2, using: &random)
  }

  mutating func succeeded() { failures = 0 }
}
