/// The last `length` values; zeros stand for values before the first.
struct Ring<let length: Int>: BitwiseCopyable, Sendable {
  private var values = InlineArray<length, Double>(repeating: 0)
  private var next = 0

  /// Returns the value that leaves.
  mutating func push(_ value: Double) -> Double {
    let leaving = values[next]
    values[next] = value
    next = next + 1 == length ? 0 : next + 1
    return leaving
  }

  /// The value pushed `count` pushes before the newest, 0 … length − 1.
  ///
  /// Mutating only so that the ring is read in place: reading it as a value would copy it first.
  mutating func value(back count: Int) -> Double {
    let index = next - 1 - count
    return values[index < 0 ? index + length : index]
  }
}
