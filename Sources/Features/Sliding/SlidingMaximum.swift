/// The largest of the last `length` values; for the smallest, push negated values.
///
/// A queue of candidates, each smaller and younger than the one before it: constant time on average.
struct SlidingMaximum<let length: Int>: BitwiseCopyable, Sendable {
  private var candidates = InlineArray<length, Double>(repeating: 0)
  private var births = InlineArray<length, Int>(repeating: 0)
  private var head = 0
  private var count = 0
  private var pushed = 0

  /// Returns the largest, NaN until `length` values are in.
  mutating func push(_ value: Double) -> Double {
    if count > 0, births[head] <= pushed - length {
      head = index(1)
      count -= 1
    }
    while count > 0, candidates[index(count - 1)] <= value { count -= 1 }
    let tail = index(count)
    candidates[tail] = value
    births[tail] = pushed
    count += 1
    pushed += 1
    return pushed < length ? .nan : candidates[head]
  }

  private func index(_ offset: Int) -> Int {
    let index = head + offset
    return index < length ? index : index - length
  }
}
