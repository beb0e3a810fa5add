import Glibc
import Market

/// A candle as the indicators see it: with its predecessor and the yardsticks that several of them share.
struct CandleStep {
  let candle: FeatureInput
  /// Whole minutes since 1970 of the open time.
  let minute: Int
  /// The candle folded before this one, across a hole of at most `FeatureEngine.longestBridgedHole` minutes; prices are
  /// NaN if there is none.
  let previousClose: Double
  let previousHigh: Double
  let previousLow: Double
  let logClose: Double
  let logHigh: Double
  let logLow: Double
  /// ln(close / previous close); NaN unless the minute before is present.
  let logReturn: Double
  /// ln(high / low).
  let logRange: Double
  /// (high + low + close) / 3.
  let typicalPrice: Double
  /// Volume whose taker bought minus volume whose taker sold, base asset.
  let signedVolume: Double
  /// ATR 14 of this candle, for distances without a price scale; NaN in its warm-up.
  var averageTrueRange = Double.nan
  /// 1 / typical one-minute move, where that is √ of the mean square of the last 240 or 1440 one-minute log returns, at
  /// least 10⁻⁵; NaN in their warm-up.
  var perMove240 = Double.nan
  var perMove1440 = Double.nan

  init(_ candle: FeatureInput, previous: FeatureInput?) {
    self.candle = candle
    minute = Int(candle.openTime.minute)
    previousClose = previous?.close ?? .nan
    previousHigh = previous?.high ?? .nan
    previousLow = previous?.low ?? .nan
    logClose = log(candle.close)
    logHigh = log(candle.high)
    logLow = log(candle.low)
    let isAdjacent = previous.map { candle.openTime == $0.openTime.adding(minutes: 1) } ?? false
    logReturn = isAdjacent ? log(candle.close / previousClose) : .nan
    logRange = log(candle.high / candle.low)
    typicalPrice = (candle.high + candle.low + candle.close) / 3
    signedVolume = 2 * candle.takerBuyBase - candle.volume
  }

  var close: Double { candle.close }

  var hasPrevious: Bool { !previousClose.isNaN }

  /// The largest of high − low, |high − previous close|, |low − previous close|; NaN without a predecessor.
  var trueRange: Double {
    guard hasPrevious else { return .nan }
    return max(candle.high - candle.low, abs(candle.high - previousClose), abs(candle.low - previousClose))
  }
}

extension Double {
  /// NaN unless `divisor` is above zero: a ratio to nothing is not known.
  func dividedByPositive(_ divisor: Double) -> Double { divisor > 0 ? self / divisor : .nan }
}
