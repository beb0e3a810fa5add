package import Market

/// What of the twelve tick inputs is made of whole minutes, over the last day of them and nothing older: a restart, a
/// late candle and a revision give the same bits as if all had come in time.
package struct MinuteInputs: Hashable, Sendable {
  /// Mean volume of the last five minutes, base asset; NaN unless all five are known. So is everything here where too
  /// little is known.
  package private(set) var averageVolume = Double.nan
  /// RSI 14 of the closes of five-minute candles, 0–100.
  package private(set) var strength = Double.nan
  /// Signal line of MACD 12/26/9, in units of price.
  package private(set) var signal = Double.nan
  /// (close − lower) / (upper − lower) of the bands of 20 closes and two standard deviations.
  package private(set) var bandPosition = Double.nan
  /// Of the last 60 minutes.
  package private(set) var meanClose = Double.nan

  package static let minutes = 1440
  private static let barMinutes: Int64 = 5

  package init() {}

  /// - Parameter candles: ascending; of those that end by `time`, the ones of the day before it count.
  package init(_ candles: [FeatureInput], before time: Timestamp) {
    let end = time.minute
    let counted = Self.part(candles, end - Int64(Self.minutes)..<end)
    guard let newest = counted.last, newest.openTime.minute == end - 1 else { return }
    foldMinutes(counted)
    foldBars(counted)
    averageVolume = Self.mean(counted, 5) { $0.volume }
    meanClose = Self.mean(counted, 60) { $0.close }
  }

  /// In place: to copy a day of candles takes longer than to fold it.
  private static func part(_ candles: [FeatureInput], _ minutes: Range<Int64>) -> ArraySlice<FeatureInput> {
    let stop = candles.lastIndex { $0.openTime.minute < minutes.upperBound }.map { $0 + 1 } ?? 0
    let newest = candles[max(0, stop - minutes.count)..<stop]
    return newest.drop { $0.openTime.minute < minutes.lowerBound }
  }

  private mutating func foldMinutes(_ candles: ArraySlice<FeatureInput>) {
    let whole = Self.sinceTheLastTear(candles)
    var averages = AverageDifference()
    for candle in whole { averages.push(candle.close) }
    signal = averages.signal
    var closes = SlidingMoments<20>()
    for candle in whole.suffix(20) { closes.push(candle.close) }
    let half = 2 * closes.standardDeviation
    bandPosition = ((candles.last?.close ?? .nan) - closes.mean + half).dividedByPositive(2 * half)
  }

  /// A five-minute candle is as old as its last minute, and not known without it.
  private mutating func foldBars(_ candles: ArraySlice<FeatureInput>) {
    var gain = SmoothedGain<14>()
    var previous: FeatureInput?
    for candle in candles where (candle.openTime.minute + 1) % Self.barMinutes == 0 {
      if let previous {
        if candle.openTime.minutes(since: previous.openTime) > Int(Self.barMinutes) {
          gain = SmoothedGain<14>()
        } else {
          gain.push(change: candle.close - previous.close)
        }
      }
      previous = candle
    }
    strength = gain.strength
  }

  /// Without those before a hole that is too long to be bridged.
  private static func sinceTheLastTear(_ candles: ArraySlice<FeatureInput>) -> ArraySlice<FeatureInput> {
    var (start, next) = (candles.endIndex, candles.last?.openTime.minute ?? 0)
    for candle in candles.reversed() {
      guard next - candle.openTime.minute <= Int64(FeatureEngine.longestBridgedHole) + 1 else { break }
      (start, next) = (start - 1, candle.openTime.minute)
    }
    return candles[start...]
  }

  /// NaN unless the last minutes are all there.
  private static func mean(
    _ candles: ArraySlice<FeatureInput>, _ count: Int, _ value: (FeatureInput) -> Double
  ) -> Double {
    let last = candles.suffix(count)
    guard last.count == count, let newest = last.last, let oldest = last.first,
      newest.openTime.minutes(since: oldest.openTime) == count - 1
    else { return .nan }
    return last.reduce(0) { $0 + value($1) } / Double(count)
  }
}
