import Glibc

/// `return_n`: ln(close / close n minutes before), null when that minute is absent, whatever lies between; `return_n_z`:
/// the same in units of a random walk's typical move of n minutes.
///
/// Scales: mean square of 240 one-minute returns for n ≤ 240, of 1440 beyond.
struct Returns: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("return_1"), .raw("return_5"), .raw("return_15"), .raw("return_60"), .raw("return_30"),
    .raw("return_120"), .raw("return_240"), .raw("return_360"), .raw("return_1440"), .sequence("return_1_z"),
    .model("return_2_z"), .model("return_3_z"), .sequence("return_5_z"), .model("return_10_z"),
    .sequence("return_15_z"), .sequence("return_30_z"), .model("return_60_z"), .raw("return_90_z"),
    .model("return_120_z"), .raw("return_180_z"), .model("return_240_z"), .sequence("return_360_z"),
    .model("return_720_z"), .sequence("return_1440_z"),
  ]

  private var closes = MinuteRing<64>()
  private var logCloses = MinuteRing<2048>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    closes.push(step.close, minute: step.minute)
    logCloses.push(step.logClose, minute: step.minute)
    // A ratio keeps the digits of small moves that a difference of logarithms loses.
    row.append(step.logReturn)
    let five = log(step.close / closes.value(minutesAgo: 5))
    let fifteen = log(step.close / closes.value(minutesAgo: 15))
    let hour = log(step.close / closes.value(minutesAgo: 60))
    row.append(five)
    row.append(fifteen)
    row.append(hour)
    let (halfHour, twoHours) = (move(30, step), move(120, step))
    let (fourHours, sixHours, day) = (move(240, step), move(360, step), move(1440, step))
    row.append(halfHour)
    row.append(twoHours)
    row.append(fourHours)
    row.append(sixHours)
    row.append(day)
    row.append(step.logReturn * step.perMove240)
    row.append(move(2, step) * step.perMove240 * inverseRoot(2))
    row.append(move(3, step) * step.perMove240 * inverseRoot(3))
    row.append(five * step.perMove240 * inverseRoot(5))
    row.append(move(10, step) * step.perMove240 * inverseRoot(10))
    row.append(fifteen * step.perMove240 * inverseRoot(15))
    row.append(halfHour * step.perMove240 * inverseRoot(30))
    row.append(hour * step.perMove240 * inverseRoot(60))
    row.append(move(90, step) * step.perMove240 * inverseRoot(90))
    row.append(twoHours * step.perMove240 * inverseRoot(120))
    row.append(move(180, step) * step.perMove240 * inverseRoot(180))
    row.append(fourHours * step.perMove240 * inverseRoot(240))
    row.append(sixHours * step.perMove1440 * inverseRoot(360))
    row.append(move(720, step) * step.perMove1440 * inverseRoot(720))
    row.append(day * step.perMove1440 * inverseRoot(1440))
  }

  @inline(__always)
  private func inverseRoot(_ minutes: Double) -> Double { 1 / minutes.squareRoot() }

  private mutating func move(_ minutes: Int, _ step: borrowing CandleStep) -> Double {
    step.logClose - logCloses.value(minutesAgo: minutes)
  }
}
