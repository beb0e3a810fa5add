import Market

/// Candles as a file that `import` reads.
enum CandleTable {
  private static let header =
    "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote\n"

  static func text(of candles: some Sequence<Candle>) -> [UInt8] {
    var bytes = Array(header.utf8)
    for candle in candles {
      let row: JSONText = """
        \(candle.openTime.milliseconds),\(candle.open),\(candle.high),\(candle.low),\(candle.close),\
        \(candle.volume ?? .zero),\(candle.quoteVolume ?? .zero),\(candle.trades ?? 0),\(candle.takerBuyBase ?? .zero),\
        \(candle.takerBuyQuote ?? .zero)

        """
      bytes += row.bytes
    }
    return bytes
  }
}
