package import Market
internal import Redis

/// A best bid and ask on its way.
package struct QuoteEvent: Hashable, Sendable {
  package var series: Series
  package var quote: Quote
  /// To the millisecond.
  package var ingestTime: Timestamp
  /// How it came, such as `sbe` or `stream`.
  package var source: String

  package init(series: Series, quote: Quote, ingestTime: Timestamp, source: String) {
    (self.series, self.quote, self.ingestTime, self.source) = (series, quote, ingestTime, source)
  }
}

extension QuoteEvent: StreamEventBody {
  static let messageType = "bestbidask"

  /// A venue that numbers its quotes tells them apart; otherwise their times do.
  var id: String {
    let number = quote.updateId.map { "\($0)" } ?? "at-\((quote.time ?? ingestTime).microseconds)"
    return "bestbidask/\(series)/\(number)"
  }

  var key: String { series.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", series.symbol.name)
    text.add("timestamp", quote.time?.microseconds)
    text.add("bid_price", number: quote.bidPrice.numberText)
    text.add("bid_quantity", number: quote.bidQuantity.numberText)
    text.add("ask_price", number: quote.askPrice.numberText)
    text.add("ask_quantity", number: quote.askQuantity.numberText)
    text.add("ingest_ts", ingestTime.milliseconds)
    text.add("source", source)
    text.add("venue", series.venue.name)
    if let number = quote.updateId { text.add("update_id", number) }
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    series = try members.series()
    quote = Quote(
      updateId: try members.integer("update_id"),
      time: try members.integer("timestamp") == nil ? nil : try members.microseconds("timestamp"),
      bidPrice: try members.amount("bid_price"), bidQuantity: try members.amount("bid_quantity"),
      askPrice: try members.amount("ask_price"), askQuantity: try members.amount("ask_quantity"))
    ingestTime = try members.milliseconds("ingest_ts")
    source = try members.required("source", try members.text("source"))
  }
}
