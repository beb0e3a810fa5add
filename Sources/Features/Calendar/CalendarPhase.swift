import Glibc

/// Sine and cosine of the open time's place in the hour, the UTC day and the week (from Monday 00:00 UTC).
struct CalendarPhase: Indicator {
  static let columns: [FeatureColumn] = [
    .model("minute_of_hour_sin"), .model("minute_of_hour_cos"), .sequence("time_of_day_sin"),
    .sequence("time_of_day_cos"), .model("time_of_week_sin"), .model("time_of_week_cos"),
  ]

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    // 1970-01-01 was a Thursday.
    append(step.minute, cycle: 60, &row)
    append(step.minute, cycle: 1440, &row)
    append(step.minute + 3 * 1440, cycle: 7 * 1440, &row)
  }

  private func append(_ minute: Int, cycle: Int, _ row: inout FeatureRow) {
    let remainder = minute % cycle
    let angle = 2 * Double.pi * Double(remainder < 0 ? remainder + cycle : remainder) / Double(cycle)
    row.append(sin(angle))
    row.append(cos(angle))
  }
}
