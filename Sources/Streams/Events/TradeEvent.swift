package import Market
internal import Redis

/// A trade on its way, as the first of the seed's records has it.
package struct TradeEvent: Hashable, Sendable {
  package var series: Series
  package var trade: Trade
  /// To the millisecond.
  package var ingestTime: Timestamp
  /// How it came, such as `sbe` or `stream`.
  package var source: String

  package init(series: Series, trade: Trade, ingestTime: Timestamp, source: String) {
    (self.series, self.trade, self.ingestTime, self.source) = (series, trade, ingestTime, source)
  }
}

extension TradeEvent: StreamEventBody {
  static let messageType = "trade"

  var id: String { "trade/\(series)/\(trade.id)" }
  var key: String { series.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", series.symbol.name)
    text.add("timestamp", trade.time.microseconds)
    text.add("trade_id", trade.id)
    text.add("price", number: trade.price.numberText)
    text.add("quantity", number: trade.quantity.numberText)
    text.add("is_buyer_maker", !trade.isTakerBuyer)
    text.add("ingest_ts", ingestTime.milliseconds)
    text.add("source", source)
    text.add("venue", series.venue.name)
    if trade.count != 1 { text.add("count", trade.count) }
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    series = try members.series()
    trade = Trade(
      id: try members.required("trade_id", try members.integer("trade_id")),
      time: try members.microseconds("timestamp"), price: try members.amount("price"),
      quantity: try members.amount("quantity"),
      isTakerBuyer: try !members.required("is_buyer_maker", try members.boolean("is_buyer_maker")),
      count: try members.integer("count") ?? 1)
    guard trade.price.units > 0 else { throw members.wrong("price") }
    guard trade.count > 0 else { throw members.wrong("count") }
    ingestTime = try members.milliseconds("ingest_ts")
    source = try members.required("source", try members.text("source"))
  }
}
