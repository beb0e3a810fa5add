import Market

/// The columns of a file of Binance's trade archives. Futures' files lack the last one.
struct TradeLayout: Hashable {
  enum Kind: String { case trades, aggTrades }

  let kind: Kind
  let columns: [String]

  var hasBestMatch: Bool { columns.last == Self.bestMatch }

  private init(_ kind: Kind, hasBestMatch: Bool) {
    let columns = kind == .trades ? Self.single : Self.aggregated
    (self.kind, self.columns) = (kind, hasBestMatch ? columns + [Self.bestMatch] : columns)
  }

  /// Told by the first line: a header, or the number of fields and where the first truth value stands.
  static func recognise(_ line: [UInt8]) -> (layout: TradeLayout, hasHeader: Bool)? {
    let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self).lowercased() }
    let hasHeader = fields[0].utf8.first?.isDigit != true
    let markers = hasHeader ? ["is_buyer_maker", "isbuyermaker"] : ["true", "false"]
    guard !hasHeader || ["id", "trade_id", "agg_trade_id"].contains(fields[0]),
      let maker = fields.firstIndex(where: markers.contains), fields.count - maker <= 2
    else { return nil }
    let hasBestMatch = fields.count - maker == 2
    switch maker {
    case single.count - 1: return (TradeLayout(.trades, hasBestMatch: hasBestMatch), hasHeader)
    case aggregated.count - 1: return (TradeLayout(.aggTrades, hasBestMatch: hasBestMatch), hasHeader)
    default: return nil
    }
  }

  private static let single = ["id", "price", "quantity", "quote_quantity", "time", "is_buyer_maker"]
  private static let aggregated = ["id", "price", "quantity", "first_id", "last_id", "time", "is_buyer_maker"]
  private static let bestMatch = "is_best_match"
}
