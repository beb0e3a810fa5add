/// What one minute of one series traded, identified by its open time; it exists from its close.
///
/// `nil` means the venue or the file does not have the value, never zero.
package struct Candle: Hashable, Sendable {
  package var openTime: Timestamp
  package var open: Decimal8
  package var high: Decimal8
  package var low: Decimal8
  package var close: Decimal8
  /// Traded amount in the base asset.
  package var volume: Decimal8?
  /// Traded amount in the quote asset.
  package var quoteVolume: Decimal8?
  package var trades: Int64?
  /// The part of `volume` whose taker bought.
  package var takerBuyBase: Decimal8?
  package var takerBuyQuote: Decimal8?

  package init(
    openTime: Timestamp, open: Decimal8, high: Decimal8, low: Decimal8, close: Decimal8, volume: Decimal8? = nil,
    quoteVolume: Decimal8? = nil, trades: Int64? = nil, takerBuyBase: Decimal8? = nil, takerBuyQuote: Decimal8? = nil
  ) {
    self.openTime = openTime
    self.open = open
    self.high = high
    self.low = low
    self.close = close
    self.volume = volume
    self.quoteVolume = quoteVolume
    self.trades = trades
    self.takerBuyBase = takerBuyBase
    self.takerBuyQuote = takerBuyQuote
  }

  package var closeTime: Timestamp { openTime.adding(minutes: 1) }
}

/// A rule that every candle keeps, whatever its source.
package enum CandleRule: String, Sendable, CaseIterable {
  case aligned = "open time is a whole minute"
  case positivePrices = "prices are above zero"
  case highest = "high is at least open, close and low"
  case lowest = "low is at most open and close"
  case nonNegative = "volumes and trade count are not negative"
  case takerWithinTotal = "taker amounts are at most the total"
}

extension Candle {
  /// The first broken rule with the column that breaks it, in the order of `CandleRule`.
  package var violation: (rule: CandleRule, field: String)? {
    if !openTime.isMinuteAligned { return (.aligned, "open_time") }
    if low.units <= 0 || open.units <= 0 || close.units <= 0 || high.units <= 0 {
      return (.positivePrices, open.units <= 0 ? "open" : high.units <= 0 ? "high" : low.units <= 0 ? "low" : "close")
    }
    if high < open || high < close || high < low { return (.highest, "high") }
    if low > open || low > close { return (.lowest, "low") }
    if let volume, volume.units < 0 { return (.nonNegative, "volume") }
    if let quoteVolume, quoteVolume.units < 0 { return (.nonNegative, "quote_volume") }
    if let trades, trades < 0 { return (.nonNegative, "trades") }
    if let takerBuyBase, takerBuyBase.units < 0 { return (.nonNegative, "taker_buy_base") }
    if let takerBuyQuote, takerBuyQuote.units < 0 { return (.nonNegative, "taker_buy_quote") }
    if let takerBuyBase, let volume, takerBuyBase > volume { return (.takerWithinTotal, "taker_buy_base") }
    if let takerBuyQuote, let quoteVolume, takerBuyQuote > quoteVolume { return (.takerWithinTotal, "taker_buy_quote") }
    return nil
  }
}

/// How a stored candle came to us.
package enum Provenance: UInt8, Sendable, CaseIterable {
  case archive = 0
  case live = 1
  case patched = 2

  package var name: String {
    switch self {
    case .archive: "archive"
    case .live: "live"
    case .patched: "patched"
    }
  }
}

/// A candle with the two clocks of its row.
package struct CandleRecord: Hashable, Sendable {
  package var candle: Candle
  /// When a live reader could have had this version of the candle.
  package var availableAt: Timestamp
  /// When it was stored.
  package var knownAt: Timestamp
  package var provenance: Provenance
  /// `availableAt` is the close plus a declared delay, not an observed arrival.
  package var isAvailabilityAssumed: Bool

  package init(
    candle: Candle, availableAt: Timestamp, knownAt: Timestamp, provenance: Provenance, isAvailabilityAssumed: Bool
  ) {
    self.candle = candle
    self.availableAt = availableAt
    self.knownAt = knownAt
    self.provenance = provenance
    self.isAvailabilityAssumed = isAvailabilityAssumed
  }

  /// A live reader had this version before the other; versions of one minute that became available together come in
  /// the order they were stored.
  package func precedes(_ other: CandleRecord) -> Bool {
    (availableAt, candle.openTime, knownAt) < (other.availableAt, other.candle.openTime, other.knownAt)
  }
}
