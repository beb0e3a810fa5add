/// `minutes_since_gap`: candles in an unbroken run of minutes up to this one, less one; at most 1440.
struct GapAge: Indicator {
  static let columns: [FeatureColumn] = [.raw("minutes_since_gap")]

  private var previousMinute: Int?
  private var age = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    age = previousMinute == step.minute - 1 ? min(age + 1, 1440) : 0
    previousMinute = step.minute
    row.append(Double(age))
  }
}
