internal import Crypto
package import Market

/// Chainlink Data Streams: signed reports about once a second, by request and by socket.
package struct DataStreamsProtocol: OracleProtocol {
  package let venue: Venue
  package let streams: [Stream]
  private let credentials: DataStreamsCredentials
  /// Server groups to hold one socket each with, as an answer's header names them; empty for one socket to any.
  package var origins: [String] = []

  /// What a stream's reports are.
  package struct Stream: Hashable, Sendable {
    package let id: FeedID
    package let feed: Symbol
    package let quantity: OracleTick.Quantity

    package init(_ id: FeedID, _ feed: Symbol, quantity: OracleTick.Quantity = .price) {
      (self.id, self.feed, self.quantity) = (id, feed, quantity)
    }
  }

  package init(venue: Venue = .chainlink, streams: [Stream], credentials: DataStreamsCredentials) {
    (self.venue, self.streams, self.credentials) = (venue, streams, credentials)
  }

  // MARK: Stream

  package static let socketPath = "/api/v1/ws"

  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    let ids = streams.filter { symbols.contains($0.feed) }.map(\.id)
    guard channels.contains(.ticks), !ids.isEmpty else { return [] }
    let path = Self.socketPath + Self.query([("feedIDs", ids.map(\.description).joined(separator: ","))])
    let headers = credentials.headers(.get, path, at: now)
    guard !origins.isEmpty else { return [SocketPlan(path: path, headers: headers)] }
    return origins.map { SocketPlan(path: path, headers: headers + [VenueHeader("X-Cll-Origin", $0)]) }
  }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    var scanner = JSONScanner(frame)
    let report = try scanner.reportMember()
    try scanner.end()
    receive(.oracle(try tick(report)))
  }

  // MARK: Requests

  package func feedsRequest(now: Timestamp) -> VenueRequest { signed("/api/v1/feeds", [], now) }

  package func latestRequest(_ id: FeedID, now: Timestamp) -> VenueRequest {
    signed("/api/v1/reports/latest", [("feedID", id.description)], now)
  }

  /// The report of one second.
  package func reportRequest(_ id: FeedID, at time: Timestamp, now: Timestamp) -> VenueRequest {
    signed("/api/v1/reports", [("feedID", id.description), ("timestamp", Self.seconds(time))], now)
  }

  /// The reports of one second; the answer may have fewer.
  package func bulkRequest(_ ids: [FeedID], at time: Timestamp, now: Timestamp) -> VenueRequest {
    let list = ids.map(\.description).joined(separator: ",")
    return signed("/api/v1/reports/bulk", [("feedIDs", list), ("timestamp", Self.seconds(time))], now)
  }

  /// Reports of consecutive times, oldest first; the next page starts one second after the last.
  package func pageRequest(_ id: FeedID, from time: Timestamp, limit: Int?, now: Timestamp) -> VenueRequest {
    var query = [("feedID", id.description), ("startTimestamp", Self.seconds(time))]
    if let limit { query.append(("limit", String(limit))) }
    return signed("/api/v1/reports/page", query, now)
  }

  package func pollRequest(_ symbol: Symbol, now: Timestamp) -> VenueRequest? {
    priceStream(symbol).map { latestRequest($0.id, now: now) }
  }

  package func ticksRequest(
    _ symbol: Symbol, from time: Timestamp, limit: Int, now: Timestamp
  ) -> VenueRequest? {
    priceStream(symbol).map { pageRequest($0.id, from: time, limit: limit, now: now) }
  }

  package func ticks(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [OracleTick] {
    var ticks: [OracleTick] = []
    for report in try reports(in: answer) { ticks.append(try tick(report)) }
    return ticks.sorted { $0.time < $1.time }
  }

  // MARK: Answers

  package func feeds(in answer: VenueAnswer) throws(VenueError) -> [FeedID] {
    try answer.requireSuccess(\.errorText)
    return try answer.scan { scanner throws(VenueError) in
      var ids: [FeedID] = []
      try scanner.object { scanner, key throws(VenueError) in
        guard case "feeds" = key else { return try scanner.skip() }
        try scanner.array { scanner, _ throws(VenueError) in
          try scanner.object { scanner, key throws(VenueError) in
            guard case "feedID" = key else { return try scanner.skip() }
            ids.append(try scanner.feedID())
          }
        }
      }
      return ids
    }
  }

  /// Of an answer with one report or with many.
  package func reports(in answer: VenueAnswer) throws(VenueError) -> [StreamReport] {
    try answer.requireSuccess(\.errorText)
    return try answer.scan { scanner throws(VenueError) in
      var reports: [StreamReport] = []
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "report": reports.append(try scanner.report())
        case "reports":
          try scanner.array { scanner, _ throws(VenueError) in reports.append(try scanner.report()) }
        default: try scanner.skip()
        }
      }
      return reports
    }
  }

  /// The server groups that an answer, also that of a socket's upgrade, says exist.
  package static func availableOrigins(in answer: VenueAnswer) -> [String] {
    guard let text = answer.header("X-Cll-Available-Origins") else { return [] }
    return text.split { "{}, ".contains($0) }.map(String.init)
  }

  package func tick(_ report: StreamReport) throws(VenueError) -> OracleTick {
    guard let stream = streams.first(where: { $0.id == report.feedID }) else {
      throw .unknown(kind: "report of \(report.feedID)")
    }
    guard report.price.units > 0 else {
      throw .badValue(field: "price", value: report.price.description, reason: "not above zero")
    }
    return OracleTick(
      feed: stream.feed, source: .dataStreams, quantity: stream.quantity, time: report.observed, price: report.price,
      bid: report.spread?.bid, ask: report.spread?.ask)
  }

  private func priceStream(_ symbol: Symbol) -> Stream? {
    streams.first { $0.feed == symbol && $0.quantity == .price }
  }

  private func signed(_ path: String, _ query: [(String, String)], _ now: Timestamp) -> VenueRequest {
    let path = path + Self.query(query)
    return VenueRequest(.get, path, headers: credentials.headers(.get, path, at: now))
  }

  private static func seconds(_ time: Timestamp) -> String { String(time.microseconds.flooredQuotient(1_000_000)) }

  /// Keys sorted and commas escaped: nothing else in these values needs it.
  private static func query(_ items: [(String, String)]) -> String {
    guard !items.isEmpty else { return "" }
    let parts = items.sorted { $0.0 < $1.0 }.map { "\($0.0)=\($0.1.replacing(",", with: "%2C"))" }
    return "?" + parts.joined(separator: "&")
  }
}

extension StreamReport {
  /// The report as the service sends it, in an unsigned envelope.
  package var json: String {
    func seconds(_ time: Timestamp) -> Int64 { time.microseconds.flooredQuotient(1_000_000) }
    return "{\"feedID\":\"\(feedID)\",\"validFromTimestamp\":\(seconds(validFrom)),\"observationsTimestamp\":"
      + "\(seconds(observed)),\"fullReport\":\"0x\(FullReport(blob: blob).bytes.hexadecimal)\"}"
  }
}

extension JSONScanner {
  /// The report in `{"report":{…}}`.
  fileprivate mutating func reportMember() throws(VenueError) -> StreamReport {
    var report: StreamReport?
    try object { scanner, key throws(VenueError) in
      guard case "report" = key else { return try scanner.skip() }
      report = try scanner.report()
    }
    guard let report else { throw malformed("there is no report") }
    return report
  }

  /// What the signed bytes say; what stands beside them must agree.
  fileprivate mutating func report() throws(VenueError) -> StreamReport {
    var feedID: FeedID?
    var validFrom: Timestamp?
    var observed: Timestamp?
    var full: [UInt8]?
    try object { scanner, key throws(VenueError) in
      switch key {
      case "feedID": feedID = try scanner.feedID()
      case "validFromTimestamp": validFrom = try scanner.seconds("validFromTimestamp")
      case "observationsTimestamp": observed = try scanner.seconds("observationsTimestamp")
      case "fullReport": full = try scanner.prefixedHexadecimal()
      default: try scanner.skip()
      }
    }
    guard let feedID, let full else { throw malformed("a report without feedID or fullReport") }
    let report = try StreamReport(blob: FullReport(full).blob)
    guard report.feedID == feedID else {
      throw .badValue(field: "feedID", value: feedID.description, reason: "the report is of \(report.feedID)")
    }
    guard validFrom == nil || validFrom == report.validFrom, observed == nil || observed == report.observed else {
      throw .badValue(
        field: "observationsTimestamp", value: observed?.description ?? "", reason: "the report has other times")
    }
    return report
  }

  fileprivate mutating func feedID() throws(VenueError) -> FeedID {
    let text = try rawString()
    guard let id = FeedID(String(decoding: text, as: UTF8.self)) else {
      throw .badValue(field: "feedID", value: text.shown, reason: "not 0x and 64 hexadecimal digits")
    }
    return id
  }

  /// The bytes of a string of `0x` and hexadecimal digits.
  mutating func prefixedHexadecimal() throws(VenueError) -> [UInt8] {
    let text = try rawString()
    guard text.starts(with: "0x".utf8), let bytes = [UInt8](hexadecimal: text.dropFirst(2)) else {
      throw .badValue(field: "hexadecimal data", value: text.shown, reason: "not 0x and pairs of digits")
    }
    return bytes
  }
}
