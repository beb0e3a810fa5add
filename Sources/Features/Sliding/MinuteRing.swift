/// Values of the last `length` minutes by the clock, NaN where a minute is absent; `length` is a power of two.
struct MinuteRing<let length: Int>: BitwiseCopyable, Sendable {
  private var values = InlineArray<length, Double>(repeating: .nan)
  private var newest: Int?

  /// `minute` must be later than the one before.
  mutating func push(_ value: Double, minute: Int) {
    if let newest {
      for absent in max(newest + 1, minute - length)..<minute { values[absent & (length - 1)] = .nan }
    }
    values[minute & (length - 1)] = value
    newest = minute
  }

  /// The value `count` minutes before the newest, 0 … length − 1; NaN if that minute is absent.
  ///
  /// Mutating only so that the ring is read in place: reading it as a value would copy it first.
  mutating func value(minutesAgo count: Int) -> Double {
    guard let newest else { return .nan }
    return values[(newest - count) & (length - 1)]
  }
}
