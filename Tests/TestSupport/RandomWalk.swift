package import Market

/// A seeded random walk of one-minute candles with prices in cents, from a whole hour on.
package struct RandomWalk {
  /// Cents that each minute of an hour's first half adds and each of its second half takes: what a model can find.
  package var swing: Int64

  package init(swing: Int64 = 0) { self.swing = swing }

  package static let firstMinute: Int64 = 28_000_020

  package func callAsFunction(seed: UInt64, count: Int) -> [Candle] {
    var random = SplitMix64(seed: seed)
    var close: Int64 = 3_000_000
    return (0..<count).map { index in
      let candle = candle(minute: Self.firstMinute + Int64(index), after: close, &random)
      close = Int64(candle.close.units / 1_000_000)
      return candle
    }
  }

  private func candle(minute: Int64, after previous: Int64, _ random: inout SplitMix64) -> Candle {
    let drift = minute % 60 < 30 ? swing : -swing
    let open = previous + .random(in: -100...100, using: &random)
    let close = previous + drift + .random(in: -2000...2000, using: &random)
    let high = max(open, close) + .random(in: 0...800, using: &random)
    let low = min(open, close) - .random(in: 0...800, using: &random)
    let volume = Int64.random(in: 50...6000, using: &random)
    let bought = Int64.random(in: 0...volume, using: &random)
    func cents(_ count: Int64) -> Decimal8 { Decimal8(units: Int128(count) * 1_000_000) ?? .zero }
    func quote(_ amount: Int64) -> Decimal8 { Decimal8(units: Int128(amount) * Int128(close) * 10_000) ?? .zero }
    return Candle(
      openTime: Timestamp(minute: minute), open: cents(open), high: cents(high), low: cents(low), close: cents(close),
      volume: cents(volume), quoteVolume: quote(volume), trades: .random(in: 20...2000, using: &random),
      takerBuyBase: cents(bought), takerBuyQuote: quote(bought))
  }
}

extension CandleRecord {
  /// As an archive gives it: two seconds after its close.
  package init(archived candle: Candle) {
    let time = candle.closeTime.adding(microseconds: 2_000_000)
    self.init(candle: candle, availableAt: time, knownAt: time, provenance: .archive, isAvailabilityAssumed: true)
  }

  /// As it comes later than the live reader wanted it: a patch, or a revision of what was there.
  package init(_ candle: Candle, lateAt time: Timestamp) {
    self.init(candle: candle, availableAt: time, knownAt: time, provenance: .patched, isAvailabilityAssumed: false)
  }
}

extension Candle {
  /// As an oracle gives it: nothing was traded there.
  package var pricesOnly: Candle { Candle(openTime: openTime, open: open, high: high, low: low, close: close) }

  /// The same minute with all prices so many cents higher.
  package func raised(cents: Int) -> Candle {
    func raised(_ price: Decimal8) -> Decimal8 { Decimal8(units: price.units + Int128(cents) * 1_000_000) ?? price }
    var candle = self
    candle.open = raised(open)
    candle.high = raised(high)
    candle.low = raised(low)
    candle.close = raised(close)
    return candle
  }
}
