/// The sum of the last `length` values without their storage.
///
/// Adding and subtracting alone would gather rounding errors for ever. A second sum starts from zero every `length`
/// values and replaces the first when it covers the window, so that no error is older than two windows.
struct WindowSum<let length: Int>: BitwiseCopyable, Sendable {
  private var running = 0.0
  private var fresh = 0.0
  private var position = 0
  private(set) var isFull = false

  /// `leaving` is the value added `length` calls ago, 0 before there is one.
  mutating func slide(adding value: Double, removing leaving: Double) {
    running += value - leaving
    fresh += value
    position += 1
    guard position == length else { return }
    running = fresh
    fresh = 0
    position = 0
    isFull = true
  }

  /// NaN until `length` values are in.
  var value: Double { isFull ? running : .nan }

  /// 0 … `value`'s precision, for sums of non-negative terms, which rounding may leave below zero.
  var nonNegative: Double { isFull ? max(running, 0) : .nan }

  var mean: Double { value / Double(length) }
}
