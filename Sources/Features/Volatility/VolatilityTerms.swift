/// `volatility_n`: sample standard deviation of the last n one-minute log returns that are known, for n = 5, 15, 30,
/// 60, 120, 240, 1440; and the ratios of short to long ones, which tell calm from rising.
///
/// First value when n returns are known; ratios are null over a flat window.
struct VolatilityTerms: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("volatility_5"), .model("volatility_15"), .raw("volatility_30"), .model("volatility_60"),
    .raw("volatility_120"), .model("volatility_240"), .model("volatility_1440"), .sequence("volatility_ratio_5_60"),
    .sequence("volatility_ratio_15_240"), .sequence("volatility_ratio_60_1440"),
  ]

  private struct Window<let length: Int>: BitwiseCopyable {
    private var sum = WindowSum<length>()
    private var squares = WindowSum<length>()

    mutating func slide(_ entering: Double, _ leaving: Double) {
      sum.slide(adding: entering, removing: leaving)
      squares.slide(adding: entering * entering, removing: leaving * leaving)
    }

    var standardDeviation: Double {
      let excess = squares.nonNegative - sum.value * sum.value / Double(length)
      // Below the rounding of the sums is a window without movement.
      return (excess < 1e-18 ? 0 : excess / Double(length - 1)).squareRoot()
    }

    /// 1 / √ of the mean square, the root taken as at least 10⁻⁵.
    var perMove: Double {
      let meanSquare = squares.nonNegative / Double(length)
      return meanSquare < 1e-10 ? 1e5 : 1 / meanSquare.squareRoot()
    }
  }

  private var returns = Ring<1441>()
  private var five = Window<5>()
  private var fifteen = Window<15>()
  private var thirty = Window<30>()
  private var hour = Window<60>()
  private var twoHours = Window<120>()
  private var fourHours = Window<240>()
  private var day = Window<1440>()

  /// 1 / √ of the mean square of the last 240 and 1440 returns, the root taken as at least 10⁻⁵; NaN in their warm-up.
  private(set) var perMove240 = Double.nan
  private(set) var perMove1440 = Double.nan

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !step.logReturn.isNaN { push(step.logReturn) }
    let (short, medium) = (five.standardDeviation, fifteen.standardDeviation)
    let (hourly, long, daily) = (hour.standardDeviation, fourHours.standardDeviation, day.standardDeviation)
    (perMove240, perMove1440) = (fourHours.perMove, day.perMove)
    row.append(short)
    row.append(medium)
    row.append(thirty.standardDeviation)
    row.append(hourly)
    row.append(twoHours.standardDeviation)
    row.append(long)
    row.append(daily)
    row.append(short.dividedByPositive(hourly))
    row.append(medium.dividedByPositive(long))
    row.append(hourly.dividedByPositive(daily))
  }

  private mutating func push(_ value: Double) {
    _ = returns.push(value)
    five.slide(value, returns.value(back: 5))
    fifteen.slide(value, returns.value(back: 15))
    thirty.slide(value, returns.value(back: 30))
    hour.slide(value, returns.value(back: 60))
    twoHours.slide(value, returns.value(back: 120))
    fourHours.slide(value, returns.value(back: 240))
    day.slide(value, returns.value(back: 1440))
  }
}
