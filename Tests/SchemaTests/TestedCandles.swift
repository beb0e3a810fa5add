import Market
import TestSupport

@testable import Storage

enum TestedCandles {
  /// A walk whose newest candle closes at `end`.
  static func walk(seed: UInt64, count: Int, endingAt end: Timestamp) -> [Candle] {
    RandomWalk()(seed: seed, count: count).enumerated().map { index, candle in
      var candle = candle
      candle.openTime = end.adding(minutes: index - count)
      return candle
    }
  }

  static func live(_ candle: Candle, _ series: Series = Filling.series) -> LiveCandle {
    LiveCandle(
      series,
      CandleRecord(
        candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
        isAvailabilityAssumed: false))
  }
}

extension Store {
  /// As an archive's file.
  func write(_ candles: [Candle]) throws {
    var rest = candles[...]
    let stamp = WriteStamp(
      knownAt: candles[candles.count - 1].closeTime, provenance: .archive, availability: .assumed(delayMicroseconds: 0))
    _ = try write(to: Filling.series, stamp: stamp) {
      defer { rest = rest.dropFirst(1000) }
      return rest.isEmpty ? nil : Array(rest.prefix(1000))
    }
  }
}
