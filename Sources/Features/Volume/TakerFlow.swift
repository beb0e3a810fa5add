/// Who took liquidity in the last n candles: `taker_buy_ratio_n` = Σ taker buy / Σ volume, 0–1, and
/// `taker_imbalance_n` = (Σ taker buy − Σ taker sell) / Σ volume, −1…1, for n = 5, 15, 60; the imbalance also for 1,
/// 30, 120, 240 and 1440. Base asset; null when nothing traded or an amount is not known.
///
/// First value at the n-th candle.
struct TakerFlow: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [
    .raw("taker_buy_ratio_5"), .raw("taker_buy_ratio_15"), .raw("taker_buy_ratio_60"), .sequence("taker_imbalance_1"),
    .model("taker_imbalance_5"), .raw("taker_imbalance_15"), .sequence("taker_imbalance_30"),
    .raw("taker_imbalance_60"), .model("taker_imbalance_120"), .raw("taker_imbalance_240"),
    .model("taker_imbalance_1440"),
  ]

  private struct Window<let length: Int>: BitwiseCopyable {
    private var volume = WindowSum<length>()
    private var bought = WindowSum<length>()

    mutating func slide(_ volumes: inout Ring<1441>, _ buys: inout Ring<1441>) {
      volume.slide(adding: volumes.value(back: 0), removing: volumes.value(back: length))
      bought.slide(adding: buys.value(back: 0), removing: buys.value(back: length))
    }

    func buyRatio(known: Int) -> Double {
      // A volume below the eighth decimal is rounding, not trade.
      guard known >= length, volume.value > 5e-9 else { return .nan }
      return min(bought.nonNegative / volume.value, 1)
    }
  }

  private var volumes = Ring<1441>()
  private var buys = Ring<1441>()
  private var five = Window<5>()
  private var fifteen = Window<15>()
  private var thirty = Window<30>()
  private var hour = Window<60>()
  private var twoHours = Window<120>()
  private var fourHours = Window<240>()
  private var day = Window<1440>()
  private var known = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let isKnown = !step.signedVolume.isNaN
    known = isKnown ? min(known + 1, 1440) : 0
    _ = volumes.push(isKnown ? step.candle.volume : 0)
    _ = buys.push(isKnown ? step.candle.takerBuyBase : 0)
    five.slide(&volumes, &buys)
    fifteen.slide(&volumes, &buys)
    thirty.slide(&volumes, &buys)
    hour.slide(&volumes, &buys)
    twoHours.slide(&volumes, &buys)
    fourHours.slide(&volumes, &buys)
    day.slide(&volumes, &buys)
    let (short, medium, long) = (
      five.buyRatio(known: known), fifteen.buyRatio(known: known), hour.buyRatio(known: known)
    )
    row.append(short)
    row.append(medium)
    row.append(long)
    row.append(step.signedVolume.dividedByPositive(step.candle.volume))
    row.append(2 * short - 1)
    row.append(2 * medium - 1)
    row.append(2 * thirty.buyRatio(known: known) - 1)
    row.append(2 * long - 1)
    row.append(2 * twoHours.buyRatio(known: known) - 1)
    row.append(2 * fourHours.buyRatio(known: known) - 1)
    row.append(2 * day.buyRatio(known: known) - 1)
  }
}
