/// Exponential averages E_k of ln(close), started at the first close, in units of a random walk's typical move:
/// `ema_distance_k` = (ln(close) − E_k) / typical move of k/3 minutes, and `ema_spread_a_b` = (E_a − E_b) / typical move
/// of b/3 minutes.
///
/// Scales: mean square of 240 one-minute returns for k ≤ 240, of 1440 beyond; first value with them.
struct TrendDistances: Indicator {
  static let columns: [FeatureColumn] = [
    .model("ema_distance_3"), .sequence("ema_distance_10"), .model("ema_distance_20"), .sequence("ema_distance_60"),
    .sequence("ema_distance_120"), .sequence("ema_distance_240"), .sequence("ema_distance_720"),
    .model("ema_distance_1440"),
    .model("ema_spread_12_26"), .model("ema_spread_30_120"), .raw("ema_spread_60_240"),
    .model("ema_spread_240_1440"),
  ]

  private struct Average<let period: Int>: BitwiseCopyable {
    private(set) var value = Double.nan

    mutating func push(_ x: Double) { value = value.isNaN ? x : value + (x - value) * (2 / Double(period + 1)) }

    func distance(_ step: borrowing CandleStep) -> Double { (step.logClose - value) * Self.perUnit(step) }

    func spread(below fast: Double, _ step: borrowing CandleStep) -> Double { (fast - value) * Self.perUnit(step) }

    private static func perUnit(_ step: borrowing CandleStep) -> Double {
      (period > 240 ? step.perMove1440 : step.perMove240) * (3 / Double(period)).squareRoot()
    }
  }

  private var ema3 = Average<3>()
  private var ema10 = Average<10>()
  private var ema12 = Average<12>()
  private var ema20 = Average<20>()
  private var ema26 = Average<26>()
  private var ema30 = Average<30>()
  private var ema60 = Average<60>()
  private var ema120 = Average<120>()
  private var ema240 = Average<240>()
  private var ema720 = Average<720>()
  private var ema1440 = Average<1440>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    push(step.logClose)
    row.append(ema3.distance(step))
    row.append(ema10.distance(step))
    row.append(ema20.distance(step))
    row.append(ema60.distance(step))
    row.append(ema120.distance(step))
    row.append(ema240.distance(step))
    row.append(ema720.distance(step))
    row.append(ema1440.distance(step))
    row.append(ema26.spread(below: ema12.value, step))
    row.append(ema120.spread(below: ema30.value, step))
    row.append(ema240.spread(below: ema60.value, step))
    row.append(ema1440.spread(below: ema240.value, step))
  }

  private mutating func push(_ value: Double) {
    ema3.push(value)
    ema10.push(value)
    ema12.push(value)
    ema20.push(value)
    ema26.push(value)
    ema30.push(value)
    ema60.push(value)
    ema120.push(value)
    ema240.push(value)
    ema720.push(value)
    ema1440.push(value)
  }
}
