package import Market
package import Operations
internal import Storage
internal import Transport

extension Route {
  package static func candles(of preset: Series, from store: some StoreReading) -> Route {
    .listing("/v1/candles", "One-minute candles as they are stored, ascending.", of: preset, from: store) {
      store, series, page, add in
      guard let summary = try store.summary(of: series) else {
        throw APIFailure(404, "unknown_series", "nothing is stored of \(series)")
      }
      try store.readCandles(series, in: page.range(newest: summary.lastOpenTime), asOf: .distantFuture) { batch in
        for record in batch { try add(record.candle.openTime, record.json) }
      }
    }
  }
}

extension CandleRecord {
  /// Decimals as text: exactly as the venue sent them.
  package var json: JSONValue {
    [
      "open_time": .text(candle.openTime.description), "open": .text(candle.open.description),
      "high": .text(candle.high.description), "low": .text(candle.low.description),
      "close": .text(candle.close.description), "volume": JSONValue(candle.volume?.description),
      "quote_volume": JSONValue(candle.quoteVolume?.description),
      "trades": candle.trades.map { .integer(Int64($0)) } ?? .null,
      "taker_buy_base": JSONValue(candle.takerBuyBase?.description),
      "taker_buy_quote": JSONValue(candle.takerBuyQuote?.description),
      "available_at": .text(availableAt.description), "known_at": .text(knownAt.description),
      "provenance": .text(provenance.name), "availability_assumed": .boolean(isAvailabilityAssumed),
    ]
  }
}
