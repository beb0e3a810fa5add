import Glibc
import Market

/// Sine and cosine of the open time's place in the hour, the UTC day, half of it and the week (from Monday 00:00 UTC, in
/// steps of seven minutes).
struct CalendarPhase: Indicator {
  static let columns: [FeatureColumn] = [
    .sequence("minute_of_hour_sin"), .sequence("minute_of_hour_cos"), .sequence("time_of_day_sin"),
    .sequence("time_of_day_cos"), .model("time_of_half_day_sin"), .model("time_of_half_day_cos"),
    .sequence("time_of_week_sin"), .sequence("time_of_week_cos"),
  ]

  private static let sines = (0..<1440).map { sin(2 * Double.pi * Double($0) / 1440) }

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    append(step.minute * 24, &row)
    append(step.minute, &row)
    append(step.minute * 2, &row)
    // 1970-01-01 was a Thursday.
    append(Int((Int64(step.minute) + 3 * 1440).flooredQuotient(7)), &row)
  }

  /// `turns` in 1440ths.
  private func append(_ turns: Int, _ row: inout FeatureRow) {
    let place = turns % 1440 + (turns % 1440 < 0 ? 1440 : 0)
    row.append(Self.sines[place])
    row.append(Self.sines[(place + 360) % 1440])
  }
}
