import Glibc

/// `return_n`: ln(close / close n minutes before), null when that minute is absent, whatever lies between; `return_n_z`:
/// the same divided by √n times the standard deviation of the last 60 one-minute returns.
struct Returns: Indicator {
  static let columns: [FeatureColumn] = [
    .sequence("return_1"), .model("return_2"), .model("return_3"), .model("return_5"), .model("return_10"),
    .model("return_15"), .model("return_30"), .model("return_60"), .model("return_120"), .model("return_240"),
    .model("return_1440"), .sequence("return_1_z"), .sequence("return_5_z"), .sequence("return_15_z"),
    .model("return_60_z"),
  ]

  private var closes = MinuteRing<2048>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close, minute: step.minute)
    row.append(step.logReturn)
    append(2, step, &row)
    append(3, step, &row)
    let five = append(5, step, &row)
    append(10, step, &row)
    let fifteen = append(15, step, &row)
    append(30, step, &row)
    let sixty = append(60, step, &row)
    append(120, step, &row)
    append(240, step, &row)
    append(1440, step, &row)
    row.append(step.logReturn.dividedByPositive(step.volatility))
    row.append(five.dividedByPositive(step.volatility * 5.0.squareRoot()))
    row.append(fifteen.dividedByPositive(step.volatility * 15.0.squareRoot()))
    row.append(sixty.dividedByPositive(step.volatility * 60.0.squareRoot()))
  }

  @discardableResult
  private mutating func append(_ minutes: Int, _ step: borrowing CandleStep, _ row: inout FeatureRow) -> Double {
    let value = log(step.close / closes.value(minutesAgo: minutes))
    row.append(value)
    return value
  }
}
