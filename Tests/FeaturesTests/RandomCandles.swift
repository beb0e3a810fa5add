import Features
import Market

/// A seeded random walk of one-minute candles with prices in cents.
struct RandomCandles {
  /// Absent minutes: some of 1–5, some of 6–90.
  var hasHoles = false
  /// Now and then a minute without any trade.
  var hasFlatMinutes = false
  /// Now and then a minute whose volumes the venue does not have.
  var hasUnknownVolumes = false

  func callAsFunction(seed: UInt64, count: Int) -> [FeatureInput] {
    var random = SplitMix64(seed: seed)
    var minute: Int64 = 28_000_000 + Int64.random(in: 0..<10_000, using: &random)
    var close = 30_000.0
    return (0..<count).map { _ in
      minute += step(&random)
      let candle = candle(minute: minute, after: close, &random)
      close = candle.close
      return candle
    }
  }

  private func step(_ random: inout SplitMix64) -> Int64 {
    guard hasHoles, Int.random(in: 0..<150, using: &random) == 0 else { return 1 }
    let isLong = Int.random(in: 0..<12, using: &random) == 0
    return 1 + Int64.random(in: isLong ? 6...90 : 1...5, using: &random)
  }

  private func candle(minute: Int64, after previous: Double, _ random: inout SplitMix64) -> FeatureInput {
    let openTime = Timestamp(minute: minute)
    if hasFlatMinutes, Int.random(in: 0..<40, using: &random) == 0 {
      return FeatureInput(
        openTime: openTime, open: previous, high: previous, low: previous, close: previous, volume: 0, quoteVolume: 0,
        trades: 0, takerBuyBase: 0, takerBuyQuote: 0)
    }
    func cents(_ range: ClosedRange<Double>) -> Double {
      (Double.random(in: range, using: &random) * 100).rounded() / 100
    }
    let (open, close) = (previous + cents(-1...1), previous + cents(-20...20))
    let (high, low) = (max(open, close) + cents(0...8), min(open, close) - cents(0...8))
    let isUnknown = hasUnknownVolumes && Int.random(in: 0..<400, using: &random) == 0
    let volume = isUnknown ? .nan : Double.random(in: 0.5...60, using: &random)
    let bought = volume * Double.random(in: 0...1, using: &random)
    let price = (open + high + low + close) / 4
    return FeatureInput(
      openTime: openTime, open: open, high: high, low: low, close: close, volume: volume, quoteVolume: volume * price,
      trades: isUnknown ? .nan : Double(Int.random(in: 20...2000, using: &random)), takerBuyBase: bought,
      takerBuyQuote: bought * price)
  }
}

/// The vectors after each candle.
func fold(_ candles: some Sequence<FeatureInput>) -> [[Double]] {
  var engine = FeatureEngine()
  return candles.map { candle in
    engine.update(candle)
    return engine.vector
  }
}

extension FeatureEngine {
  var vector: [Double] { withValues { values in values.indices.map { values[$0] } } }
}

/// Bit patterns, so that NaN equals itself and −0 differs from 0.
func bits(_ vector: [Double]) -> [UInt64] { vector.map(\.bitPattern) }
