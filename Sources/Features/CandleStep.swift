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
  /// Standard deviation of the last 60 one-minute log returns; NaN in its warm-up.
  var volatility = Double.nan

  init(_ candle: FeatureInput, minute: Int, previous: FeatureInput?, isAdjacent: Bool) {
    self.candle = candle
    self.minute = minute
    previousClose = previous?.close ?? .nan
    previousHigh = previous?.high ?? .nan
    previousLow = previous?.low ?? .nan
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

  /// Distance from `level` to the close in ATRs.
  func distance(from level: Double) -> Double { (close - level).dividedByPositive(averageTrueRange) }
}

extension Double {
  /// NaN unless `divisor` is above zero: a ratio to nothing is not known.
  func dividedByPositive(_ divisor: Double) -> Double { divisor > 0 ? self / divisor : .nan }
}
