import Crypto
import Market
import Venues

/// Chainlink: Data Streams with signed requests, and the aggregator contracts behind a node's JSON-RPC (any POST).
struct ChainlinkDialect: Dialect {
  /// Between an observation and its report.
  static let delayMicroseconds: Int64 = 400_000
  private static let largestPage = 100
  /// Every price is a mean of these seconds in the streams of means.
  private static let meanSeconds: Int64 = 60

  private let credentials: DataStreamsCredentials
  private var contracts = AggregatorContracts()

  init(credentials: DataStreamsCredentials) { self.credentials = credentials }

  /// A stream of reports: prices of schema 3, means of schema 2.
  private struct Stream {
    let id: FeedID
    let series: Int
    let isMean: Bool
  }

  private func streams(_ reader: MarketReader) -> [Stream] {
    reader.market.series.indices.flatMap { series in
      [false, true].compactMap { isMean in
        Self.feedID(reader.feed(series), isMean: isMean).map { Stream(id: $0, series: series, isMean: isMean) }
      }
    }
  }

  /// The real id for bitcoin; made of the name for others and for means, whose ids are not public.
  static func feedID(_ feed: Symbol, isMean: Bool) -> FeedID? {
    if feed.name == "BTC/USD", !isMean { return .bitcoin }
    let digits = SHA256.hexDigest(of: Array("\(feed.name) \(isMean ? meanSeconds : 0)".utf8)).dropFirst(4)
    return FeedID("0x000\(isMean ? 2 : 3)" + digits)
  }

  // MARK: Requests

  mutating func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    if request.method == .post { return contracts.answer(request.body, &reader, at: now) }
    if let objection = objection(request.path, request.headers, reader.stamp(now)) {
      return Self.error(401, objection)
    }
    let query = Query(request.path)
    let seen = now.adding(microseconds: -Self.delayMicroseconds)
    switch query.path {
    case "/api/v1/feeds":
      let rows = streams(reader).map { stream -> JSONText in #"{"feedID":"\#(text: stream.id.description)"}"# }
      return SimulatedAnswer(200, #"{"feeds":\#(.array(rows))}"#)
    case "/api/v1/reports/latest":
      guard let stream = stream(query["feedID"], reader) else { return Self.error(400, "feedID is missing or unknown") }
      guard let tick = reader.lastTick(stream.series, at: seen), let report = report(tick, stream, &reader) else {
        return Self.error(404, "no report")
      }
      return SimulatedAnswer(200, #"{"report":\#(report)}"#)
    case "/api/v1/reports", "/api/v1/reports/bulk": return reports(query, &reader, at: seen)
    case "/api/v1/reports/page": return page(query, &reader, at: seen)
    default: return Self.error(404, "not found")
    }
  }

  /// Clients that know of the path in front of the protocol's own sign that too.
  private func objection(_ path: String, _ headers: [VenueHeader], _ stamp: Timestamp) -> String? {
    guard let first = credentials.objection(to: .get, path, headers: headers, at: stamp) else { return nil }
    return credentials.objection(to: .get, "/chainlink" + path, headers: headers, at: stamp) == nil ? nil : first
  }

  private static func error(_ status: Int, _ text: String) -> SimulatedAnswer {
    SimulatedAnswer(status, #"{"error":\#(quoted: text)}"#)
  }

  private func stream(_ id: String?, _ reader: MarketReader) -> Stream? {
    streams(reader).first { $0.id.description == id }
  }

  private static func instant(_ text: String?) -> Timestamp? {
    guard let seconds = text.flatMap({ Int64($0) }), (0...10_000_000_000).contains(seconds) else { return nil }
    return Timestamp(seconds: seconds)
  }

  private func reports(_ query: Query, _ reader: inout MarketReader, at seen: Timestamp) -> SimulatedAnswer {
    let isBulk = query["feedIDs"] != nil
    let ids = (query["feedIDs"] ?? query["feedID"])?.split(separator: ",").map(String.init) ?? []
    guard !ids.isEmpty, let time = Self.instant(query["timestamp"]) else {
      return Self.error(400, "feedIDs and timestamp are needed")
    }
    var found: [JSONText] = []
    for id in ids {
      guard let stream = stream(id, reader) else { continue }
      guard time <= seen, let tick = reader.lastTick(stream.series, at: time), tick.time == time,
        let report = report(tick, stream, &reader)
      else { continue }
      found.append(report)
    }
    guard isBulk else {
      return found.first.map { SimulatedAnswer(200, #"{"report":\#($0)}"#) } ?? Self.error(404, "no report")
    }
    return SimulatedAnswer(found.count < ids.count ? 206 : 200, #"{"reports":\#(.array(found))}"#)
  }

  private func page(_ query: Query, _ reader: inout MarketReader, at seen: Timestamp) -> SimulatedAnswer {
    guard let stream = stream(query["feedID"], reader), let start = Self.instant(query["startTimestamp"]) else {
      return Self.error(400, "feedID and startTimestamp are needed")
    }
    let limit = min(max(query["limit"].flatMap { Int($0) } ?? Self.largestPage, 1), Self.largestPage)
    // So many observations take at most so many minutes that have any.
    let data = reader.market.series[stream.series]
    var index = data.index(from: Timestamp(minute: start.minute))
    var rows: [JSONText] = []
    while index < data.candles.count, rows.count < limit, data.candles[index].openTime <= seen {
      for tick in reader.ticks(stream.series, index) where tick.time >= start && tick.time <= seen {
        guard rows.count < limit, let report = report(tick, stream, &reader) else { break }
        rows.append(report)
      }
      index += 1
    }
    return SimulatedAnswer(200, #"{"reports":\#(.array(rows))}"#)
  }

  /// Frames have the members in another order than answers.
  private func report(
    _ tick: OracleTick, _ stream: Stream, _ reader: inout MarketReader, isFrame: Bool = false
  ) -> JSONText? {
    var price = tick.price
    if stream.isMean {
      guard let mean = reader.mean(stream.series, seconds: Self.meanSeconds, at: tick.time) else { return nil }
      price = mean
    }
    var spread: StreamReport.Spread?
    if !stream.isMean, let bid = tick.bid, let ask = tick.ask { spread = StreamReport.Spread(bid: bid, ask: ask) }
    let report = StreamReport(
      feedID: stream.id, validFrom: tick.time, observed: tick.time, nativeFee: 96_211_668_557_200,
      linkFee: 23_664_882_624_157_200, expires: tick.time.adding(minutes: 1440), price: price, spread: spread)
    let id: JSONText = #""feedID":"\#(text: stream.id.description)""#
    let full: JSONText = #""fullReport":"0x\#(text: Self.signed(report.blob).bytes.hexadecimal)""#
    let times: JSONText = """
      "validFromTimestamp":\(tick.time.seconds),"observationsTimestamp":\(tick.time.seconds)
      """
    return isFrame ? "{\(id),\(full),\(times)}" : "{\(id),\(times),\(full)}"
  }

  /// As many signatures as a real report has; no contract would accept them.
  private static func signed(_ blob: [UInt8]) -> FullReport {
    var report = FullReport(blob: blob)
    let halves = (0..<UInt8(12)).map { HMACSHA256.code(of: blob, key: [$0]) }
    (report.rs, report.ss) = (Array(halves.prefix(6)), Array(halves.suffix(6)))
    return report
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer { Self.error(status, "simulated failure") }

  // MARK: Sockets

  func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer? {
    if let objection = objection(socket.path, socket.headers, reader.stamp(now)) { return Self.error(401, objection) }
    let query = Query(socket.path)
    guard query.path == "/api/v1/ws" else { return Self.error(404, "not found") }
    let ids = query["feedIDs"]?.split(separator: ",").map(String.init) ?? []
    guard !ids.isEmpty else { return Self.error(400, "feedIDs is missing") }
    for id in ids {
      guard let stream = stream(id, reader) else { return Self.error(401, "no permission for \(id.prefix(66))") }
      socket.feeds.append(
        Feed(id, .ticks(delay: Self.delayMicroseconds), series: stream.series, from: now, &reader))
    }
    return nil
  }

  func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {}

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    guard case .tick(let tick) = event, let stream = stream(feed.name, reader),
      let report = report(tick, stream, &reader, isFrame: true)
    else { return [] }
    return [Frame(#"{"report":\#(report)}"#, .trade)]
  }
}
