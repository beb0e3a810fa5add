package import Market
internal import Redis

/// A version of a candle on its way: everything that is stored of it, exactly.
package struct CandleEvent: Hashable, Sendable {
  package var series: Series
  package var record: CandleRecord
  /// To the millisecond.
  package var ingestTime: Timestamp
  /// How it came: `stream`, `rest`, `archive` and the like.
  package var source: String

  package init(series: Series, record: CandleRecord, ingestTime: Timestamp, source: String) {
    (self.series, self.record, self.ingestTime, self.source) = (series, record, ingestTime, source)
  }
}

extension CandleEvent: StreamEventBody {
  static let messageType = "candle"

  /// A version is told from others of its minute by when it became available and was stored.
  var id: String {
    let candle = record.candle
    return
      "candle/\(series)/\(candle.openTime.minute)/\(record.availableAt.microseconds)/\(record.knownAt.microseconds)"
  }

  var key: String { series.symbol.name }

  func write(to text: inout JSONText) {
    let candle = record.candle
    text.add("symbol", series.symbol.name)
    text.add("timestamp", candle.openTime.microseconds)
    text.add("venue", series.venue.name)
    text.add("interval", "1m")
    for (name, path) in Self.prices { text.add(name, candle[keyPath: path].description) }
    for (name, path) in Self.amounts { text.add(name, candle[keyPath: path]?.description) }
    text.add("trades", candle.trades)
    text.add("available_at", record.availableAt.microseconds)
    text.add("known_at", record.knownAt.microseconds)
    text.add("provenance", record.provenance.name)
    text.add("availability_assumed", record.isAvailabilityAssumed)
    text.add("ingest_ts", ingestTime.milliseconds)
    text.add("source", source)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    series = Series(
      try members.required("venue", try members.text("venue").flatMap { Venue($0) }), try members.symbol("symbol"))
    guard try members.text("interval") == "1m" else { throw members.wrong("interval") }
    let provenance = try members.text("provenance")
    record = CandleRecord(
      candle: try Self.candle(members), availableAt: try members.microseconds("available_at"),
      knownAt: try members.microseconds("known_at"),
      provenance: try members.required(
        "provenance", Provenance.allCases.first { $0.name == provenance }),
      isAvailabilityAssumed: try members.required("availability_assumed", try members.boolean("availability_assumed")))
    ingestTime = try members.milliseconds("ingest_ts")
    source = try members.required("source", try members.text("source"))
  }

  private static func candle(_ members: JSONMembers) throws(JSONMembersError) -> Candle {
    var candle = Candle(
      openTime: try members.microseconds("timestamp"), open: .zero, high: .zero, low: .zero, close: .zero)
    for (name, path) in prices { candle[keyPath: path] = try members.required(name, try members.decimal(name)) }
    for (name, path) in amounts { candle[keyPath: path] = try members.decimal(name) }
    candle.trades = try members.integer("trades")
    if let (rule, field) = candle.violation {
      throw JSONMembersError(description: "the candle's \(field) breaks the rule that \(rule.rawValue)")
    }
    return candle
  }

  private static var prices: [(StaticString, any WritableKeyPath<Candle, Decimal8> & Sendable)] {
    [("open", \.open), ("high", \.high), ("low", \.low), ("close", \.close)]
  }

  private static var amounts: [(StaticString, any WritableKeyPath<Candle, Decimal8?> & Sendable)] {
    [
      ("volume", \.volume), ("quote_volume", \.quoteVolume), ("taker_buy_base", \.takerBuyBase),
      ("taker_buy_quote", \.takerBuyQuote),
    ]
  }
}
