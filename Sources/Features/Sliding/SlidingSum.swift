/// The sum of the last `length` values; NaN until there are so many and while one of them is NaN.
struct SlidingSum<let length: Int>: BitwiseCopyable, Sendable {
  private var ring = Ring<length>()
  private var sum = WindowSum<length>()
  private var unknown = 0

  mutating func push(_ value: Double) {
    let leaving = ring.push(value)
    if leaving.isNaN { unknown -= 1 }
    if value.isNaN { unknown += 1 }
    sum.slide(adding: value.isNaN ? 0 : value, removing: leaving.isNaN ? 0 : leaving)
  }

  var value: Double { unknown == 0 ? sum.value : .nan }

  /// For terms that are never negative: not below zero by rounding.
  var nonNegative: Double { unknown == 0 ? sum.nonNegative : .nan }

  var mean: Double { value / Double(length) }
}
