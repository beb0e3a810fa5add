import FoundationEssentials
import Market
import Storage

extension Series {
  static let bitcoin = Series(.binance, .btcusdt)
  static let ether = Series("binance:ETHUSDT")!
}

extension WriteStamp {
  /// An archive's stamp, stored so many minutes after 2025-01-01.
  static func archive(storedAt minute: Int) -> WriteStamp {
    WriteStamp(
      knownAt: Timestamp("2025-01-01")!.adding(minutes: minute), provenance: .archive,
      availability: .assumed(delayMicroseconds: 2_000_000))
  }
}

extension Timestamp {
  static let start = Timestamp("2024-03-01")!
}

extension Candle {
  /// Valid candles with every kind of value: nulls, extremes of `DECIMAL(20,8)`, holes between minutes.
  static func random(_ count: Int, seed: UInt64, from start: Timestamp = .start) -> [Candle] {
    var random = SplitMix64(seed: seed)
    var time = start
    return (0..<count).map { _ in
      time = time.adding(minutes: Int.random(in: 0..<20, using: &random) == 0 ? 7 : 1)
      return .random(at: time, using: &random)
    }
  }

  static func random(at time: Timestamp, using random: inout SplitMix64) -> Candle {
    let largest: Int128 = 99_999_999_999_999_999_999
    let limit = [largest, 7_000_000_000_000, 50][Int.random(in: 0..<3, using: &random)]
    var prices = (0..<4).map { _ in Int128.random(in: 1...limit, using: &random) }.sorted()
    if Bool.random(using: &random) { prices.swapAt(1, 2) }
    func amount(upTo limit: Int128) -> Decimal8? {
      Int.random(in: 0..<5, using: &random) == 0 ? nil : Decimal8(units: .random(in: 0...limit, using: &random))
    }
    let volume = amount(upTo: limit)
    let quoteVolume = amount(upTo: largest)
    return Candle(
      openTime: time, open: Decimal8(units: prices[1])!, high: Decimal8(units: prices[3])!,
      low: Decimal8(units: prices[0])!, close: Decimal8(units: prices[2])!, volume: volume, quoteVolume: quoteVolume,
      trades: Bool.random(using: &random) ? nil : .random(in: 0...Int64.max, using: &random),
      takerBuyBase: amount(upTo: volume?.units ?? limit), takerBuyQuote: amount(upTo: quoteVolume?.units ?? limit))
  }

  /// The same minute, closing one unit higher.
  var changed: Candle {
    var candle = self
    candle.close = Decimal8(units: close.units + 1)!
    candle.high = max(high, candle.close)
    return candle
  }
}

extension CandleStore {
  /// Writes in uneven batches, as a file's reader gives them.
  @discardableResult
  func write(_ candles: [Candle], to series: Series = .bitcoin, _ stamp: WriteStamp = .archive(storedAt: 0)) throws
    -> WriteCounts
  {
    var rest = candles[...]
    return try write(to: series, stamp: stamp) {
      guard !rest.isEmpty else { return nil }
      defer { rest = rest.dropFirst(777) }
      return Array(rest.prefix(777))
    }
  }
}
