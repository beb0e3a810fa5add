import Market
import Storage

extension MarketDataRow {
  static func trade(_ trade: Trade, _ series: Series) -> MarketDataRow {
    MarketDataRow(
      series: series, time: trade.time, price: trade.price, volume: trade.quantity, source: source(series),
      dataType: "trade")
  }

  /// A quote's price is the middle of bid and ask; without the venue's time it has its arrival's.
  static func quote(_ quote: Quote, _ series: Series, _ arrival: Timestamp) -> MarketDataRow {
    let middle = Decimal8(units: (quote.bidPrice.units + quote.askPrice.units) / 2) ?? quote.bidPrice
    return MarketDataRow(
      series: series, time: quote.time ?? arrival, price: middle, bidPrice: quote.bidPrice, askPrice: quote.askPrice,
      source: source(series), dataType: "quote")
  }

  private static func source(_ series: Series) -> String { series.venue.isSimulated ? "synthetic" : "stream" }
}
