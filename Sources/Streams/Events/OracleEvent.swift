import Market
internal import Redis

/// An oracle's observation on its way; its price is exact.
struct OracleEvent: Hashable, Sendable {
  /// Longer than any mean that settles a market.
  private static let longestMeanSeconds: Int64 = 86_400

  var tick: OracleTick
  /// To the millisecond.
  var ingestTime: Timestamp
}

extension OracleEvent: StreamEventBody {
  static let messageType = "observation"

  var id: String { "observation/\(tick.feed.name)/\(tick.source.rawValue)/\(tick.time.microseconds)" }
  var key: String { tick.feed.name }

  func write(to text: inout JSONText) {
    text.add("symbol", tick.feed.name)
    text.add("timestamp", tick.time.microseconds)
    text.add("origin", tick.source.rawValue)
    if case .timeWeightedMean(let seconds) = tick.quantity { text.add("mean_seconds", Int64(seconds)) }
    text.add("price", tick.price.description)
    text.add("bid", tick.bid?.description)
    text.add("ask", tick.ask?.description)
    text.add("ingest_ts", ingestTime.milliseconds)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    let source = try members.required(
      "origin", try members.text("origin").flatMap { OracleSource(rawValue: $0) })
    tick = OracleTick(
      feed: try members.symbol("symbol"), source: source, quantity: try Self.quantity(members),
      time: try members.microseconds("timestamp"),
      price: try members.required("price", try Self.price("price", members)), bid: try Self.price("bid", members),
      ask: try Self.price("ask", members))
    ingestTime = try members.milliseconds("ingest_ts")
  }

  private static func quantity(_ members: JSONMembers) throws(JSONMembersError) -> OracleTick.Quantity {
    guard let seconds = try members.integer("mean_seconds") else { return .price }
    guard (1...longestMeanSeconds).contains(seconds) else { throw members.wrong("mean_seconds") }
    return .timeWeightedMean(seconds: Int(seconds))
  }

  private static func price(_ name: StaticString, _ members: JSONMembers) throws(JSONMembersError) -> OraclePrice? {
    guard let text = try members.text(name) else { return nil }
    return try members.required(name, OraclePrice(text))
  }
}
