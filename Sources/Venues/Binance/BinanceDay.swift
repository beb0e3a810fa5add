package import Market

/// The last 24 hours of a symbol, in the short form or the full one.
package struct BinanceDay: Hashable, Sendable {
  package var openTime: Timestamp
  package var closeTime: Timestamp
  package var open: Decimal8
  package var high: Decimal8
  package var low: Decimal8
  package var last: Decimal8
  package var volume: Decimal8
  package var quoteVolume: Decimal8
  package var trades: Int64
  /// Absent in the short form, as is the rest.
  package var priceChange: Decimal8?
  package var priceChangePercent: Decimal8?
  package var weightedAveragePrice: Decimal8?
  package var bidPrice: Decimal8?
  package var askPrice: Decimal8?

  /// `nil` without a usable symbol.
  static func read(_ scanner: inout JSONScanner) throws(VenueError) -> (Symbol, BinanceDay)? {
    var symbol: Symbol?
    var (openTime, closeTime): (Timestamp?, Timestamp?)
    var (open, high, low, last): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
    var (volume, quoteVolume, trades): (Decimal8?, Decimal8?, Int64?)
    var (change, percent, average, bid, ask): (Decimal8?, Decimal8?, Decimal8?, Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "symbol": symbol = try scanner.symbolIfNamed()
      case "openTime": openTime = try scanner.time("openTime")
      case "closeTime": closeTime = try scanner.time("closeTime")
      case "openPrice": open = try scanner.amount("openPrice")
      case "highPrice": high = try scanner.amount("highPrice")
      case "lowPrice": low = try scanner.amount("lowPrice")
      case "lastPrice": last = try scanner.amount("lastPrice")
      case "volume": volume = try scanner.amount("volume")
      case "quoteVolume": quoteVolume = try scanner.amount("quoteVolume")
      case "count": trades = try scanner.id("count")
      case "priceChange": change = try scanner.decimal()
      case "priceChangePercent": percent = try scanner.decimal()
      case "weightedAvgPrice": average = try scanner.decimal()
      case "bidPrice": bid = try scanner.amount("bidPrice")
      case "askPrice": ask = try scanner.amount("askPrice")
      default: try scanner.skip()
      }
    }
    guard let openTime, let closeTime, let open, let high, let low, let last, let volume, let quoteVolume, let trades
    else { throw scanner.malformed("a day with a part missing") }
    guard let symbol else { return nil }
    return (
      symbol,
      BinanceDay(
        openTime: openTime, closeTime: closeTime, open: open, high: high, low: low, last: last, volume: volume,
        quoteVolume: quoteVolume, trades: trades, priceChange: change, priceChangePercent: percent,
        weightedAveragePrice: average, bidPrice: bid, askPrice: ask)
    )
  }
}
