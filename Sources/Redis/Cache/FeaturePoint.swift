package import Market

/// The features of one instrument at one time, under the names that its readers know. `nil` is not known.
package struct FeaturePoint: Hashable, Sendable {
  package var symbol: Symbol
  /// To the millisecond.
  package var timestamp: Timestamp
  package var price: Double?
  package var volume: Double?
  package var vwap: Double?
  /// As a fraction, like the next.
  package var priceChange1m: Double?
  package var priceChange5m: Double?
  package var volumeAverage1m: Double?
  /// As a fraction of the bid.
  package var bidAskSpread: Double?
  package var orderBookImbalance: Double?
  /// Trades a second.
  package var tradeIntensity: Double?
  package var rsi5m: Double?
  package var macdSignal: Double?
  package var bollingerPosition: Double?
  /// Where the values come from if not from the feed, such as `fallback`.
  package var source: String?

  package init(symbol: Symbol, timestamp: Timestamp) { (self.symbol, self.timestamp) = (symbol, timestamp) }

  /// The values by their names in JSON, in the order in which they are written.
  package static var namedValues: [(name: StaticString, path: any WritableKeyPath<FeaturePoint, Double?> & Sendable)] {
    [
      ("price", \.price), ("volume", \.volume), ("vwap", \.vwap), ("price_change_1m", \.priceChange1m),
      ("price_change_5m", \.priceChange5m), ("volume_avg_1m", \.volumeAverage1m), ("bid_ask_spread", \.bidAskSpread),
      ("order_book_imbalance", \.orderBookImbalance), ("trade_intensity", \.tradeIntensity), ("rsi_5m", \.rsi5m),
      ("macd_signal", \.macdSignal), ("bollinger_position", \.bollingerPosition),
    ]
  }
}

extension FeaturePoint {
  /// The paths of its values, in the order in which they are written.
  package static var values: [any WritableKeyPath<FeaturePoint, Double?> & Sendable] { namedValues.map(\.path) }

  package var json: [UInt8] {
    var text = JSONText()
    text.add("symbol", symbol.name)
    text.add("timestamp", timestamp.milliseconds)
    for (name, path) in Self.namedValues { text.add(name, self[keyPath: path]) }
    if let source { text.add("source", source) }
    return text.bytes
  }

  /// Members that it does not know are passed over.
  package init(json: [UInt8]) throws(JSONMembersError) {
    let members = try JSONMembers(json)
    self.init(symbol: try members.symbol("symbol"), timestamp: try members.milliseconds("timestamp"))
    for (name, path) in Self.namedValues { self[keyPath: path] = try members.number(name) }
    source = try members.text("source")
  }
}
