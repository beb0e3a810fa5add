import Glibc

/// `vwap_distance_n`: ln(close · Σ volume / Σ quote volume) of the last n candles, how far the close is above what was
/// paid on average, in units of the typical one-minute move of 240 minutes times √n; and `volume_trend_15_240`,
/// `volume_trend_60_1440`: mean quote volume of the shorter over that of the longer window.
///
/// First value at the n-th candle; null when nothing traded or an amount is not known.
struct AveragePaid: Indicator {
  static let source = FeatureColumn.Source.quoteAmounts
  static let columns: [FeatureColumn] = [
    .model("vwap_distance_1"), .model("vwap_distance_15"), .raw("vwap_distance_60"), .model("vwap_distance_120"),
    .raw("vwap_distance_240"), .sequence("vwap_distance_480"), .model("vwap_distance_1440"),
    .model("volume_trend_15_240"), .model("volume_trend_60_1440"),
  ]

  private struct Window<let length: Int>: BitwiseCopyable {
    private var volume = WindowSum<length>()
    private var amount = WindowSum<length>()

    mutating func slide(_ volumes: inout Ring<1441>, _ amounts: inout Ring<1441>) {
      volume.slide(adding: volumes.value(back: 0), removing: volumes.value(back: length))
      amount.slide(adding: amounts.value(back: 0), removing: amounts.value(back: length))
    }

    func meanAmount(known: Int) -> Double { known >= length ? amount.nonNegative / Double(length) : .nan }

    func distance(_ step: borrowing CandleStep, known: Int) -> Double {
      // A volume below the eighth decimal is rounding, not trade.
      guard known >= length, volume.value > 5e-9, amount.value > 5e-9 else { return .nan }
      return log(step.close * volume.value / amount.value) * step.perMove240 * (1 / Double(length).squareRoot())
    }
  }

  private var volumes = Ring<1441>()
  private var amounts = Ring<1441>()
  private var minute = Window<1>()
  private var fifteen = Window<15>()
  private var hour = Window<60>()
  private var twoHours = Window<120>()
  private var fourHours = Window<240>()
  private var eightHours = Window<480>()
  private var day = Window<1440>()
  private var known = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let (volume, amount) = (step.candle.volume, step.candle.quoteVolume)
    let isKnown = !volume.isNaN && !amount.isNaN
    known = isKnown ? min(known + 1, 1440) : 0
    push(isKnown ? volume : 0, isKnown ? amount : 0)
    row.append(minute.distance(step, known: known))
    row.append(fifteen.distance(step, known: known))
    row.append(hour.distance(step, known: known))
    row.append(twoHours.distance(step, known: known))
    row.append(fourHours.distance(step, known: known))
    row.append(eightHours.distance(step, known: known))
    row.append(day.distance(step, known: known))
    row.append(fifteen.meanAmount(known: known).dividedByPositive(fourHours.meanAmount(known: known)))
    row.append(hour.meanAmount(known: known).dividedByPositive(day.meanAmount(known: known)))
  }

  private mutating func push(_ volume: Double, _ amount: Double) {
    _ = volumes.push(volume)
    _ = amounts.push(amount)
    minute.slide(&volumes, &amounts)
    fifteen.slide(&volumes, &amounts)
    hour.slide(&volumes, &amounts)
    twoHours.slide(&volumes, &amounts)
    fourHours.slide(&volumes, &amounts)
    eightHours.slide(&volumes, &amounts)
    day.slide(&volumes, &amounts)
  }
}
