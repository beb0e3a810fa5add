import Market

/// Minutes taken together, up to an instant.
struct Bar: Sendable {
  /// Named by the bar's own open time.
  var candle: Candle
  let end: Timestamp
  let firstTradeId: Int64
  /// Below `firstTradeId` if nothing was traded.
  var lastTradeId: Int64

  var isQuiet: Bool { candle.trades == 0 }

  mutating func append(_ next: Candle) {
    candle.high = max(candle.high, next.high)
    candle.low = min(candle.low, next.low)
    candle.close = next.close
    candle.volume = Self.sum(candle.volume, next.volume)
    candle.quoteVolume = Self.sum(candle.quoteVolume, next.quoteVolume)
    candle.trades = (candle.trades ?? 0) + (next.trades ?? 0)
    candle.takerBuyBase = Self.sum(candle.takerBuyBase, next.takerBuyBase)
    candle.takerBuyQuote = Self.sum(candle.takerBuyQuote, next.takerBuyQuote)
    lastTradeId += next.trades ?? 0
  }

  private static func sum(_ a: Decimal8?, _ b: Decimal8?) -> Decimal8 {
    Decimal8(units: (a?.units ?? 0) + (b?.units ?? 0)) ?? .zero
  }
}
