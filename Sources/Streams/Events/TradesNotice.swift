import Market
internal import Redis

/// From when on every trade of a series comes, or that trades and quotes may be missed from now on.
struct TradesNotice: Hashable, Sendable {
  var series: Series
  /// `nil` where they may be missed.
  var start: Timestamp?
  /// To the millisecond.
  var ingestTime: Timestamp
}

extension TradesNotice: StreamEventBody {
  static let messageType = "trades"

  var id: String { "trades/\(series)/\(ingestTime.milliseconds)" }
  var key: String { series.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", series.symbol.name)
    text.add("venue", series.venue.name)
    text.add("whole_from", start?.microseconds)
    text.add("ingest_ts", ingestTime.milliseconds)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    series = try members.series()
    start = try members.integer("whole_from") == nil ? nil : try members.microseconds("whole_from")
    ingestTime = try members.milliseconds("ingest_ts")
  }
}
