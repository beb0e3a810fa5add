/// Counts durations in classes whose bounds rise by an eighth of a power of two, so that a quantile is at most 12.5 %
/// too high.
package struct LatencyHistogram: Hashable, Sendable {
  private static let classes = 8 * 40

  private var counts = [Int](repeating: 0, count: classes)
  package private(set) var count = 0
  package private(set) var largestMicroseconds: Int64 = 0

  package init() {}

  /// - Parameter weight: how many things took so long.
  package mutating func add(microseconds: Int64, weight: Int = 1) {
    counts[Self.index(of: max(0, microseconds))] += weight
    count += weight
    largestMicroseconds = max(largestMicroseconds, microseconds)
  }

  /// The smallest class bound that at least this share of all durations stays under, but never more than the largest
  /// duration; `nil` before the first.
  package func quantileMicroseconds(_ share: Double) -> Int64? {
    guard count > 0 else { return nil }
    let wanted = max(1, Int((share * Double(count)).rounded(.up)))
    var seen = 0
    for index in counts.indices {
      seen += counts[index]
      if seen >= wanted { return min(Self.bound(of: index), largestMicroseconds) }
    }
    return largestMicroseconds
  }

  /// Classes 0–7 are single microseconds; from 8 on each power of two has eight.
  private static func index(of microseconds: Int64) -> Int {
    guard microseconds >= 8 else { return Int(microseconds) }
    let power = 63 - microseconds.leadingZeroBitCount
    let eighth = Int(microseconds >> (power - 3)) & 7
    return min(classes - 1, (power - 2) * 8 + eighth)
  }

  /// The largest whole number of microseconds in a class.
  private static func bound(of index: Int) -> Int64 {
    guard index >= 8 else { return Int64(index) }
    let power = index / 8 + 2
    return (Int64(9 + index % 8) << (power - 3)) - 1
  }
}
