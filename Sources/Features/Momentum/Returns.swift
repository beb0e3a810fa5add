import Glibc

/// `return_n`: ln(close / close n minutes before), null when that minute is absent, whatever lies between; `return_n_z`:
/// the same in units of a random walk's typical move of n minutes.
///
/// Scales: mean square of 240 one-minute returns for n ≤ 240, of 1440 beyond.
struct Returns: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("return_1"), .sequence("return_1_z"), .model("return_2_z"), .model("return_3_z"), .raw("return_5"),
    .sequence("return_5_z"), .model("return_10_z"), .raw("return_15"), .sequence("return_15_z"), .model("return_30"),
    .model("return_30_z"), .raw("return_60"), .sequence("return_60_z"), .model("return_90_z"), .model("return_120"),
    .model("return_120_z"), .model("return_180_z"), .raw("return_240"), .model("return_240_z"), .model("return_360"),
    .model("return_360_z"), .model("return_720_z"), .model("return_1440"), .model("return_1440_z"),
  ]

  private var closes = MinuteRing<2048>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close, minute: step.minute)
    append(1, step, &row, raw: true)
    append(2, step, &row)
    append(3, step, &row)
    append(5, step, &row, raw: true)
    append(10, step, &row)
    append(15, step, &row, raw: true)
    append(30, step, &row, raw: true)
    append(60, step, &row, raw: true)
    append(90, step, &row)
    append(120, step, &row, raw: true)
    append(180, step, &row)
    append(240, step, &row, raw: true)
    append(360, step, &row, raw: true)
    append(720, step, &row)
    append(1440, step, &row, raw: true)
  }

  private mutating func append(
    _ minutes: Int, _ step: borrowing CandleStep, _ row: inout FeatureRow, raw: Bool = false
  ) {
    let value = log(step.close / closes.value(minutesAgo: minutes))
    if raw { row.append(value) }
    row.append(value / step.typicalMove(minutes: Double(minutes)))
  }
}
