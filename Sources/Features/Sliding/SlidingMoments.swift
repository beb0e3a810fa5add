/// Mean and variance of the last `length` values.
///
/// Sums are of differences from a value of the window before, renewed every `length` values: prices near 70 000 with
/// cents would lose the variance to cancellation otherwise.
struct SlidingMoments<let length: Int>: BitwiseCopyable, Sendable {
  private struct Sums: BitwiseCopyable {
    var anchor = 0.0
    var first = 0.0
    var second = 0.0

    mutating func add(_ value: Double) {
      let difference = value - anchor
      first += difference
      second += difference * difference
    }

    mutating func remove(_ value: Double) {
      let difference = value - anchor
      first -= difference
      second -= difference * difference
    }
  }

  private var ring = Ring<length>()
  private var running = Sums()
  private var fresh = Sums()
  private var position = 0
  private var isFull = false

  /// `value` must be a number.
  mutating func push(_ value: Double) {
    if position == 0 {
      fresh = Sums(anchor: value)
      if !isFull { running = fresh }
    }
    let leaving = ring.push(value)
    fresh.add(value)
    running.add(value)
    if isFull { running.remove(leaving) }
    position += 1
    guard position == length else { return }
    running = fresh
    position = 0
    isFull = true
  }

  /// NaN until `length` values are in.
  var mean: Double { isFull ? running.anchor + running.first / Double(length) : .nan }

  /// Of the population, ≥ 0; NaN until `length` values are in.
  var variance: Double {
    guard isFull else { return .nan }
    let offset = running.first / Double(length)
    let square = running.second / Double(length)
    let variance = square - offset * offset
    // What is left of a flat window after rounding is not a variance.
    return variance > 1e-13 * square ? variance : 0
  }

  var standardDeviation: Double { variance.squareRoot() }
}
