package import Market

extension BinanceProtocol {
  package func pingRequest() -> VenueRequest { get("ping", weight: 1) }

  package func timeRequest() -> VenueRequest { get("time", weight: 1) }

  package func limitsRequest() -> VenueRequest? { exchangeInfoRequest([.btcusdt]) }

  /// Rules and states of these symbols, or of all; limits in any case.
  package func exchangeInfoRequest(_ symbols: [Symbol] = []) -> VenueRequest {
    get("exchangeInfo", query(symbols), weight: 20)
  }

  package func candlesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest {
    get("klines", [one(symbol), ("interval", "1m")] + times(range) + [rows(limit)], weight: flavour.weights.klines)
  }

  package func tradesRequest(_ symbol: Symbol, from id: Int64, limit: Int) -> VenueRequest? {
    let query = [one(symbol), ("fromId", "\(max(0, id))"), rows(limit)]
    return switch tradeStream {
    case .aggregated: get("aggTrades", query, weight: flavour.weights.aggregateTrades)
    case .single: get("historicalTrades", query, weight: flavour.weights.historicalTrades)
    }
  }

  /// Aggregated trades by time, the oldest of the range first.
  package func aggregateTradesRequest(_ symbol: Symbol, _ range: Range<Timestamp>, limit: Int) -> VenueRequest {
    get("aggTrades", [one(symbol)] + times(range) + [rows(limit)], weight: flavour.weights.aggregateTrades)
  }

  /// - Parameter limit: levels a side, at most 5000.
  package func bookRequest(_ symbol: Symbol, limit: Int = 5000) -> VenueRequest {
    let limit = min(max(1, limit), 5000)
    return get("depth", [one(symbol), ("limit", "\(limit)")], weight: flavour.weights.depth(limit: limit))
  }

  /// The last price of these symbols, or of all.
  package func pricesRequest(_ symbols: [Symbol] = []) -> VenueRequest {
    get("ticker/price", query(symbols), weight: symbols.count == 1 ? 2 : 4)
  }

  package func newestTradesRequest(_ symbol: Symbol, limit: Int) -> VenueRequest? {
    get("aggTrades", [one(symbol), rows(limit)], weight: flavour.weights.aggregateTrades)
  }

  package var newestTradesLimit: Int? { 1000 }

  package func quoteRequest(_ symbol: Symbol) -> VenueRequest? { quotesRequest([symbol]) }

  /// The best bid and ask of these symbols, or of all.
  package func quotesRequest(_ symbols: [Symbol] = []) -> VenueRequest {
    get("ticker/bookTicker", query(symbols), weight: symbols.count == 1 ? 2 : 4)
  }

  /// The last 24 hours of these symbols, or of all.
  package func daysRequest(_ symbols: [Symbol] = []) -> VenueRequest {
    let weight =
      switch symbols.count {
      case 1...20: 2
      case 21...100: 40
      default: 80
      }
    return get("ticker/24hr", query(symbols), weight: weight)
  }

  // MARK: Parts

  private typealias Item = (name: String, value: String)

  private func get(_ endpoint: String, _ query: [Item] = [], weight: Int) -> VenueRequest {
    let items = query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    return VenueRequest(
      .get, "/api/v3/" + endpoint + (items.isEmpty ? "" : "?" + items),
      headers: usesMicroseconds ? [VenueHeader("X-MBX-TIME-UNIT", "MICROSECOND")] : [], weight: weight)
  }

  private func one(_ symbol: Symbol) -> Item { ("symbol", symbol.name) }

  private func rows(_ limit: Int) -> Item { ("limit", "\(min(max(1, limit), 1000))") }

  /// Milliseconds of which both ends count.
  private func times(_ range: Range<Timestamp>) -> [Item] {
    let end: Int64 = 10_000_000_000_000_000
    let first = (min(max(range.lowerBound.microseconds, 1), end) - 1) / 1000 + 1
    let last = (min(max(range.upperBound.microseconds, 1), end) - 1) / 1000
    return [("startTime", "\(first)"), ("endTime", "\(max(first, last))")]
  }

  private func query(_ symbols: [Symbol]) -> [Item] {
    guard symbols.count != 1 else { return [one(symbols[0])] }
    guard !symbols.isEmpty else { return [] }
    return [("symbols", "%5B" + symbols.map { "%22\($0.name)%22" }.joined(separator: ",") + "%5D")]
  }
}
