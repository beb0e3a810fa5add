import Crypto
import Market
import Testing
import Venues

@Suite struct ChainlinkDataStreamsTests {
  private let sampleID = FeedID("0x00030ab7d02fbba9c6304f98824524407b1f494741174320cfd17a2c22eec1de")!
  private let credentials = DataStreamsCredentials(apiKey: "clientId", secret: Secret("userSecret"))
  private let now = Timestamp(milliseconds: 1_767_225_600_000)

  private var streams: DataStreamsProtocol {
    DataStreamsProtocol(
      streams: [DataStreamsProtocol.Stream(sampleID, .bitcoinUSD), DataStreamsProtocol.Stream(.bitcoin, .bitcoinUSD)],
      credentials: credentials)
  }

  private var sampleReport: StreamReport {
    StreamReport(
      feedID: sampleID, validFrom: Timestamp(milliseconds: 1_722_348_998_000),
      observed: Timestamp(milliseconds: 1_722_348_998_000), nativeFee: 96_211_668_557_200,
      linkFee: 23_664_882_624_157_200, expires: Timestamp(milliseconds: 1_722_435_398_000),
      price: OraclePrice(units: 695_410_242_043_786_500),
      spread: StreamReport.Spread(
        bid: OraclePrice(units: 695_331_621_895_065_600), ask: OraclePrice(units: 695_662_122_213_138_400)))
  }

  private struct Sample: Decodable { var fullReport: String }

  private func sampleBytes() throws -> [UInt8] {
    let text = try OracleFixture.decoded("chainlink.report_v3.json", as: Sample.self).fullReport
    return try #require([UInt8](hexadecimal: text.utf8.dropFirst(2)))
  }

  // MARK: Signatures

  private struct Vector: Decodable {
    var method: String, path: String, body: String, apiKey: String, secret: String
    var timestamp: Int64
    var stringToSign: String, signature: String
  }

  @Test func `signatures are those of the published vectors`() throws {
    let vectors = try OracleFixture.decoded("chainlink.hmac_vectors.json", as: [Vector].self)
    #expect(vectors.count == 4)
    for vector in vectors {
      let credentials = DataStreamsCredentials(apiKey: vector.apiKey, secret: Secret(vector.secret))
      let headers = credentials.headers(
        VenueRequest.Method(rawValue: vector.method)!, vector.path, body: Array(vector.body.utf8),
        at: Timestamp(milliseconds: vector.timestamp))
      #expect(
        headers == [
          VenueHeader("Authorization", vector.apiKey),
          VenueHeader("X-Authorization-Timestamp", String(vector.timestamp)),
          VenueHeader("X-Authorization-Signature-SHA256", vector.signature),
        ])
    }
  }

  @Test func `a server accepts what was signed within five seconds and nothing else`() {
    let path = "/api/v1/ws?feedIDs=\(sampleID)"
    let headers = credentials.headers(.get, path, at: now)
    func objection(
      _ headers: [VenueHeader], path other: String? = nil, body: [UInt8] = [], later microseconds: Int64 = 0
    ) -> String? {
      credentials.objection(
        to: .get, other ?? path, headers: headers, body: body, at: now.adding(microseconds: microseconds))
    }
    #expect(objection(headers) == nil)
    #expect(objection(headers.map { VenueHeader($0.name.lowercased(), $0.value) }) == nil)
    #expect(objection(headers, later: 5_000_000) == nil)
    #expect(objection(headers, later: -5_000_000) == nil)
    #expect(objection(headers, later: 5_001_000) != nil)
    #expect(objection(headers, later: -5_001_000) != nil)
    #expect(objection(headers, path: path + "&") != nil)
    #expect(objection(headers, body: [1]) != nil)
    #expect(objection(Array(headers.dropLast())) != nil)
    #expect(objection(headers.dropLast() + [VenueHeader("X-Authorization-Signature-SHA256", "é")]) != nil)
    #expect(objection([VenueHeader("Authorization", "other")] + headers.dropFirst()) != nil)
  }

  @Test func `a secret is not printed, whatever prints it`() {
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped, String(describing: streams)] {
      #expect(!text.contains("userSecret"))
    }
  }

  // MARK: Requests

  @Test func `requests are signed over the bytes that are sent`() {
    let protocolValue = streams
    let time = Timestamp(milliseconds: 1_767_225_590_999)
    let requests = [
      (protocolValue.feedsRequest(now: now), "/api/v1/feeds"),
      (protocolValue.latestRequest(.bitcoin, now: now), "/api/v1/reports/latest?feedID=\(FeedID.bitcoin)"),
      (
        protocolValue.reportRequest(.bitcoin, at: time, now: now),
        "/api/v1/reports?feedID=\(FeedID.bitcoin)&timestamp=1767225590"
      ),
      (
        protocolValue.bulkRequest([.bitcoin, sampleID], at: time, now: now),
        "/api/v1/reports/bulk?feedIDs=\(FeedID.bitcoin)%2C\(sampleID)&timestamp=1767225590"
      ),
      (
        protocolValue.pageRequest(.bitcoin, from: time, limit: 10, now: now),
        "/api/v1/reports/page?feedID=\(FeedID.bitcoin)&limit=10&startTimestamp=1767225590"
      ),
    ]
    for (request, path) in requests {
      #expect(request.path == path)
      #expect(request.method == .get)
      #expect(request.headers == credentials.headers(.get, path, at: now))
    }
    #expect(
      requests[1].0.headers.value(of: "X-Authorization-Signature-SHA256")
        == "2bf2c6616cce3fbb231fb8eae222a1b46f7ef6068291a20dfe8406579da3ee6b")
    #expect(protocolValue.pollRequest(.bitcoinUSD, now: now) == protocolValue.latestRequest(sampleID, now: now))
    #expect(protocolValue.pollRequest(.btcusdt, now: now) == nil)
    #expect(protocolValue.name(of: .btcusdt) == .bitcoinUSD)
  }

  @Test func `one socket brings all streams, or one for each origin`() throws {
    var protocolValue = streams
    let path = "/api/v1/ws?feedIDs=\(sampleID)%2C\(FeedID.bitcoin)"
    let plan = try #require(protocolValue.sockets(for: [.bitcoinUSD], [.ticks], now: now).first)
    #expect(plan.path == path)
    #expect(plan.headers == credentials.headers(.get, path, at: now))
    #expect(protocolValue.sockets(for: [.bitcoinUSD], [.trades], now: now).isEmpty)
    #expect(protocolValue.sockets(for: [.btcusdt], [.ticks], now: now).isEmpty)

    let answer = VenueAnswer(status: 200, headers: [VenueHeader("x-cll-available-origins", "{001, 002}")], body: [])
    protocolValue.origins = DataStreamsProtocol.availableOrigins(in: answer)
    let plans = protocolValue.sockets(for: [.bitcoinUSD], [.ticks], now: now)
    #expect(plans.map { $0.headers.value(of: "X-Cll-Origin") } == ["001", "002"])
  }

  // MARK: Reports

  @Test func `the published report decodes to its published values and back to its bytes`() throws {
    let bytes = try sampleBytes()
    let full = try FullReport(bytes)
    #expect(bytes.count == 992)
    #expect(full.blob.count == 288)
    #expect(full.rs.count == 6)
    #expect(full.ss.count == 6)
    #expect(full.rawVs.hexadecimal == "0101000101000000000000000000000000000000000000000000000000000000")
    #expect(full.bytes == bytes)
    let report = try StreamReport(blob: full.blob)
    #expect(report == sampleReport)
    #expect(report.blob == full.blob)
  }

  @Test func `an answer and a frame give the same tick`() throws {
    let tick = OracleTick(
      feed: .bitcoinUSD, source: .dataStreams, time: Timestamp(milliseconds: 1_722_348_998_000),
      price: OraclePrice("0.695410242043786500")!, bid: OraclePrice("0.6953316218950656")!,
      ask: OraclePrice("0.6956621222131384")!)
    #expect(try streams.ticks(.bitcoinUSD, in: OracleFixture.answer("chainlink.rest_latest.json")) == [tick])
    #expect(try streams.messages(OracleFixture.bytes("chainlink.ws_report.json")) == [.oracle(tick)])
  }

  @Test func `a partial answer is a success with fewer reports, oldest first`() throws {
    var earlier = sampleReport
    earlier.observed = sampleReport.observed.adding(microseconds: -1_000_000)
    earlier.validFrom = earlier.observed
    let text = "{\"reports\":[\(sampleReport.json),\(earlier.json)]}"
    let ticks = try streams.ticks(.bitcoinUSD, in: VenueAnswer(text, status: 206))
    #expect(ticks.map(\.time) == [earlier.observed, sampleReport.observed])
    #expect(try streams.ticks(.bitcoinUSD, in: VenueAnswer("{\"reports\":[]}", status: 206)) == [])
  }

  @Test func `a report of schema 2 has a price alone, and its stream says that it is a mean`() throws {
    let id = FeedID([0, 2] + [UInt8](repeating: 7, count: 30))!
    var report = sampleReport
    (report.feedID, report.spread) = (id, nil)
    report.price = OraclePrice("65000.123456789012345678")!
    #expect(report.blob.count == 224)
    #expect(try StreamReport(blob: report.blob) == report)
    let means = DataStreamsProtocol(
      streams: [DataStreamsProtocol.Stream(id, .bitcoinUSD, quantity: .timeWeightedMean(seconds: 60))],
      credentials: credentials)
    let tick = try #require(try means.ticks("{\"report\":\(report.json)}").first)
    #expect(tick.quantity == .timeWeightedMean(seconds: 60))
    #expect(tick.price == report.price)
    #expect(tick.bid == nil)
    #expect(means.pollRequest(.bitcoinUSD, now: now) == nil)
  }

  @Test func `feeds are read`() throws {
    let answer = VenueAnswer("{\"feeds\":[{\"feedID\":\"\(sampleID)\"},{\"feedID\":\"\(FeedID.bitcoin)\"}]}")
    #expect(try streams.feeds(in: answer) == [sampleID, .bitcoin])
  }

  // MARK: Errors

  @Test func `a report of another feed than it is said to be is refused`() {
    var other = sampleReport
    other.feedID = .bitcoin
    let json = other.json.replacing("\(FeedID.bitcoin)\"", with: "\(sampleID)\"")
    #expect(throws: VenueError.self) { try streams.messages("{\"report\":\(json)}") }
    let late = sampleReport.json.replacing("mestamp\":1722348998", with: "mestamp\":1722348999")
    #expect(throws: VenueError.self) { try streams.messages("{\"report\":\(late)}") }
  }

  @Test func `a price beyond 128 bits is an error and not another price`() {
    for (byte, value) in [(16, 0x01), (23, 0x01), (0, 0x80), (24, 0x80)] as [(Int, UInt8)] {
      var blob = sampleReport.blob
      blob[6 * 32 + byte - 8] = value
      #expect(throws: VenueError.self) { try StreamReport(blob: blob) }
    }
    var negative = sampleReport
    negative.price = OraclePrice(units: -1)
    #expect(throws: VenueError.self) { try streams.messages("{\"report\":\(negative.json)}") }
  }

  @Test func `every length and offset that lies is an error`() throws {
    let bytes = try sampleBytes()
    for count in [0, 31, 223, 224, 255, 511, 800, 991] {
      #expect(throws: VenueError.self) { try FullReport(Array(bytes.prefix(count))) }
    }
    for (position, value) in [(127, 225), (127, 0), (126, 255), (96, 1), (159, 33), (255, 255), (575, 200)] {
      var damaged = bytes
      damaged[position] = UInt8(value)
      #expect(throws: VenueError.self, "byte \(position)") { try StreamReport(blob: FullReport(damaged).blob) }
    }
    var version = sampleReport.blob
    version[1] = 9
    #expect(throws: VenueError.unknown(kind: "report schema 9")) { try StreamReport(blob: version) }
  }

  @Test(arguments: [
    (400, VenueError.refused(status: 400, code: nil, reason: "bad")),
    (401, .refused(status: 401, code: nil, reason: "bad")), (404, .refused(status: 404, code: nil, reason: "bad")),
    (429, .limited(status: 429, retryAfterSeconds: 7, reason: "bad")),
    (500, .unavailable(status: 500, reason: "bad")), (503, .unavailable(status: 503, reason: "bad")),
  ])
  func `statuses are errors that say whether to try again`(status: Int, error: VenueError) {
    let answer = VenueAnswer(
      status: status, headers: [VenueHeader("retry-after", "7")], body: Array("{\"error\":\"bad\"}".utf8))
    #expect(throws: error) { try streams.reports(in: answer) }
  }

  @Test func `a stream that was not asked for is unknown`() {
    var report = sampleReport
    report.feedID = FeedID([0, 3] + [UInt8](repeating: 9, count: 30))!
    #expect(throws: VenueError.unknown(kind: "report of \(report.feedID)")) {
      try streams.messages("{\"report\":\(report.json)}")
    }
  }
}
