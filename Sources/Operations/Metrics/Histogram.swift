/// Counts values in classes whose upper bounds are given.
package struct Histogram: Hashable, Sendable {
  /// Ascending; a value that equals one is of its class.
  package let bounds: [Double]
  /// The last is of what is above all bounds.
  private var counts: [Int]
  package private(set) var sum = 0.0

  package init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  package var count: Int { counts.reduce(0, +) }

  /// What is no number is not counted.
  package mutating func add(_ value: Double) {
    guard !value.isNaN else { return }
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }

  /// Of each bound how many values are not above it, and at the end, at infinity, how many there are.
  package var cumulative: [(bound: Double, count: Int)] {
    var total = 0
    return zip(bounds + [.infinity], counts).map { bound, count in
      total += count
      return (bound, total)
    }
  }
}
