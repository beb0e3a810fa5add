import Market

/// Coinbase's names: what a recording calls `BTCUSDT` is served as `BTC-USDT`, `BTC-USD` and `BTC-USDC`.
struct CoinbaseProduct: Hashable, Sendable {
  let id: String
  let series: Int
  let pair: InstrumentPair

  init?(_ id: String, _ reader: MarketReader) {
    guard let product = Self.all(reader).first(where: { $0.id == id }) else { return nil }
    self = product
  }

  private init(base: String, quote: String, series: Int, _ symbol: Symbol) {
    id = "\(base)-\(quote)"
    self.series = series
    pair = InstrumentPair(Symbol(id) ?? symbol)
  }

  static func all(_ reader: MarketReader) -> [CoinbaseProduct] {
    reader.market.series.enumerated().flatMap { series, data in
      let pair = InstrumentPair(data.symbol)
      let quotes = pair.quote == "USDT" ? ["USD", "USDT", "USDC"] : [pair.quote]
      return quotes.map { CoinbaseProduct(base: pair.base, quote: $0, series: series, data.symbol) }
    }
  }
}
