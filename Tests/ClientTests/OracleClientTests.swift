import Crypto
import FoundationEssentials
import Market
import Testing
import Venues

import class Foundation.Bundle

@testable import VenueSimulator

/// The published and recorded messages of Chainlink and Polymarket's relays: requests are sent to the simulator as they
/// are, and what it sends back are the samples' bytes with its own numbers in the place of theirs.
struct OracleClientTests {
  private let stage: ClientStage
  private let now: Timestamp

  init() throws {
    stage = try ClientStage(seed: 6)
    now = stage.still
  }

  // MARK: Polymarket

  @Test func `the relay takes the documented subscription and sends the recorded bytes`() throws {
    var venue = try #require(stage.venue("rtds"))
    let frames = try talk(to: &venue, path: "/", [Sample.text("polymarket.rtds_subscribe.json")])
    let first = try #require(frames.first)
    let rows = try ticks(before: first.time, delayMilliseconds: 1400, seconds: 120).map {
      #"{"timestamp":\#($0.time.milliseconds),"value":\#(number($0.price))}"#
    }
    let samples = """
      {"timestamp":1780726209000,"value":61164.12},{"timestamp":1780726210000,"value":61161.07},\
      {"timestamp":1780726211000,"value":61150.89}
      """
    #expect(
      try first.text
        == Sample.text(
          "polymarket.rtds_crypto_prices_snapshot.json",
          [samples: rows.joined(separator: ","), "1780726213178": stamp(first), "btcusdt": "btc/usd"]))
    let lines = String(decoding: try Sample.bytes("polymarket.rtds_chainlink_raw.jsonl"), as: UTF8.self)
    let sample = String(lines.split(separator: "\n")[1])
    #expect(frames.count > 20)
    for frame in frames.dropFirst() {
      let tick = try #require(ticks(before: frame.time, delayMilliseconds: 1400, seconds: 5).last)
      let expected = try Sample.filled(
        sample,
        [
          "ZN3dGejyLPECHGA=": connection, "64790082468106150000000": "\(tick.price.units)",
          "1771820699000": "\(tick.time.milliseconds)", "64790.08246810615": number(tick.price),
          "1771820699964": stamp(frame),
        ])
      #expect(frame.text == expected)
    }
  }

  @Test func `the relay sends means and another venue's prices as documented`() throws {
    var venue = try #require(stage.venue("rtds"))
    let topic = "crypto_prices_chainlink"
    let request = try Sample.text("polymarket.rtds_subscribe.json")
    let means = try talk(to: &venue, path: "/", [request.replacing(topic, with: "crypto_prices_twap_sixty")])
    #expect(means.count > 20)
    for frame in means {
      let tick = try #require(ticks(before: frame.time, delayMilliseconds: 1400, seconds: 5).last)
      let mean = try mean(at: tick.time)
      let expected = try Sample.text(
        "polymarket.rtds_twap_sixty_update.json",
        [
          "11111111-2222-3333-4444-555555555555": connection, "1786179814147": stamp(frame),
          "1786179814000": "\(tick.time.milliseconds)", #"value":64997.81"#: #"value":\#(number(mean))"#,
          "64997810000000000000000": "\(mean.units)",
        ])
      #expect(frame.text == expected)
    }
    let filter = request.replacing(topic, with: "crypto_prices").replacing("btc/usd", with: "btcusdt")
    let prices = try talk(to: &venue, path: "/", [filter]).dropFirst()
    #expect(prices.count > 20)
    for frame in prices {
      let tick = try #require(ticks(before: frame.time, delayMilliseconds: 1400, seconds: 5).last)
      let expected = try Sample.text(
        "polymarket.rtds_crypto_prices_update.json",
        [
          "1780730269142": stamp(frame), "1780730269000": "\(tick.time.milliseconds)",
          #"value":61035.86,"#: #"value":\#(number(tick.price)),"#,
          "61035.86000000": String(tick.price.description.dropLast(10)),
        ])
      #expect(frame.text == expected)
    }
  }

  @Test func `PolyBolt takes the documented greetings and sends the documented bytes`() throws {
    var venue = try #require(stage.venue("polybolt"))
    let auth = try Sample.text("polymarket.polybolt_auth.json")
    let subscribe = try Sample.text("polymarket.polybolt_subscribe.json")
    let frames = try talk(to: &venue, path: "/ws", [auth, subscribe])
    #expect(try frames.first?.text == Sample.text("polymarket.polybolt_authed.json"))
    #expect(frames.count > 20)
    for (number, frame) in frames.dropFirst(3).enumerated() {
      let tick = try #require(ticks(before: frame.time, delayMilliseconds: 1500, seconds: 5).last)
      let mean = try mean(at: tick.time)
      let expected = try Sample.text(
        "polymarket.polybolt_twap_update.json",
        [
          #""seq":2"#: #""seq":\#(number + 2)"#, "1788886176123": stamp(frame),
          #"value":78803.76,"#: #"value":\#(self.number(mean)),"#,
          "78803.761731790000000000": mean.description, "1788886176000": "\(tick.time.milliseconds)",
        ])
      #expect(frame.text == expected)
    }
    let plain = subscribe.replacing("price.crypto.twap", with: "price.crypto")
    let snapshot = try #require(try talk(to: &venue, path: "/ws", [auth, plain]).dropFirst(2).first)
    let rows = try ticks(before: snapshot.time, delayMilliseconds: 1500, seconds: 120).map { tick in
      let digits = tick.price.description.dropLast(10)
      return """
        {"full_accuracy_value":"\(digits)","timestamp":\(tick.time.milliseconds),"value":\(number(tick.price))}
        """
    }
    let sample = #"{"full_accuracy_value":"78803.76173179","timestamp":1788886057000,"value":78803.76173179}"#
    #expect(
      try snapshot.text
        == Sample.text(
          "polymarket.polybolt_snapshot.json",
          [sample: rows.joined(separator: ","), "1788886176000": stamp(snapshot)]))
  }

  // MARK: Chainlink

  private struct Vector: Decodable {
    let method: String, path: String, body: String, apiKey: String, secret: String, signature: String
    /// In milliseconds.
    let timestamp: Int64
  }

  @Test func `Data Streams accepts the published signatures and no others`() throws {
    let vectors = try JSONDecoder().decode([Vector].self, from: Data(Sample.bytes("chainlink.hmac_vectors.json")))
    for vector in vectors where vector.method == "GET" {
      let credentials = DataStreamsCredentials(apiKey: vector.apiKey, secret: Secret(vector.secret))
      var venue = SimulatedVenue(
        "chainlink", ChainlinkDialect(credentials: credentials), stage.market, FaultPlan([], start: now), seed: 1)
      func status(_ signature: String, afterSeconds seconds: Int64 = 0) -> Int {
        let headers = [
          VenueHeader("Authorization", vector.apiKey),
          VenueHeader("X-Authorization-Timestamp", "\(vector.timestamp)"),
          VenueHeader("X-Authorization-Signature-SHA256", signature),
        ]
        let time = Timestamp(milliseconds: vector.timestamp + seconds * 1000)
        return venue.answer(VenueRequest(.get, vector.path, headers: headers), at: time).status
      }
      #expect(status(vector.signature) == 200)
      #expect(status(vector.signature, afterSeconds: 60) == 401)
      #expect(status(String(vector.signature.reversed())) == 401)
    }
  }

  @Test(arguments: ["chainlink.rest_latest.json", "chainlink.ws_report.json"])
  func `reports are the published one with other numbers`(sample: String) throws {
    var venue = try #require(stage.venue("chainlink"))
    let credentials = DataStreamsCredentials(
      apiKey: VenueSet.Credentials.apiKey, secret: Secret(VenueSet.Credentials.secret))
    func headers(_ path: String) -> [VenueHeader] { credentials.headers(.get, path, body: [], at: now) }
    var text: String
    var seen = now
    if sample.contains("rest") {
      let path = "/api/v1/reports/latest?feedID=\(FeedID.bitcoin)"
      text = String(
        decoding: venue.answer(VenueRequest(.get, path, headers: headers(path)), at: now).body, as: UTF8.self)
    } else {
      let path = "/api/v1/ws?feedIDs=\(FeedID.bitcoin)"
      let frame = try #require(try talk(to: &venue, path: path, headers: headers(path), []).last)
      (text, seen) = (frame.text, frame.time)
    }
    let tick = try #require(ticks(before: seen, delayMilliseconds: 400, seconds: 5).last)
    let own = try #require(text.firstMatch(of: /"fullReport":"0x([0-9a-f]+)"/)).1
    let published = try Sample.text(sample)
    let theirs = try #require(published.firstMatch(of: /"fullReport":"0x([0-9a-f]+)"/)).1
    let expected = try Sample.filled(
      published,
      [
        String(theirs): String(own),
        "0x00030ab7d02fbba9c6304f98824524407b1f494741174320cfd17a2c22eec1de": "\(FeedID.bitcoin)",
        "1722348998": "\(tick.time.milliseconds / 1000)",
      ])
    #expect(text == expected)
    // What differs within the report: the context, the blob's times and prices, the signatures.
    var report = try FullReport(try #require([UInt8](hexadecimal: own.utf8)))
    let model = try FullReport(try #require([UInt8](hexadecimal: theirs.utf8)))
    var blob = try StreamReport(blob: model.blob)
    (blob.validFrom, blob.observed, blob.expires) = (tick.time, tick.time, tick.time.adding(minutes: 1440))
    blob.price = tick.price
    blob.spread = StreamReport.Spread(bid: try #require(tick.bid), ask: try #require(tick.ask))
    blob.feedID = .bitcoin
    #expect(report.blob == blob.blob)
    (report.context, report.blob, report.rs, report.ss, report.rawVs) =
      (model.context, model.blob, model.rs, model.ss, model.rawVs)
    #expect(report.bytes.hexadecimal == theirs)
    #expect(own.count == theirs.count)
  }

  @Test func `a node takes the documented calls and answers in the documented bytes`() throws {
    var venue = try #require(stage.venue("chainlink"))
    let time = now
    func post(_ body: String) -> String {
      String(decoding: venue.answer(VenueRequest(.post, "/rpc", body: Array(body.utf8)), at: time).body, as: UTF8.self)
    }
    let request = try Sample.text("chainlink.eth_call_request.json")
    let answered = Timestamp(minute: now.minute).adding(microseconds: 27_000_000)
    let tick = try #require(ticks(before: answered, delayMilliseconds: 0, seconds: 60).last)
    // Rounds count the minutes of the recording.
    let round = "000000000000000000000000000000000000000000000007" + hexadecimal(1751, digits: 16)
    let cents = Int64((tick.price.units + 5_000_000_000) / 10_000_000_000)
    let sample = try JSONDecoder().decode(
      Answered.self, from: Data(Sample.bytes("chainlink.eth_call_latest_round.json")))
    let sampleRound = "0000000000000000000000000000000000000000000000070000000000003039"
    let expected = try Sample.filled(
      sample.response.result,
      [
        sampleRound: round, hexadecimal(6_500_012_345_678, digits: 64): hexadecimal(cents, digits: 64),
        hexadecimal(1_767_225_599, digits: 64): hexadecimal(answered.milliseconds / 1000 - 12, digits: 64),
        hexadecimal(1_767_225_611, digits: 64): hexadecimal(answered.milliseconds / 1000, digits: 64),
      ])
    #expect(post(request) == #"{"jsonrpc":"2.0","id":1,"result":"\#(expected)"}"#)
    #expect(
      try post(Sample.text("chainlink.eth_call_get_round_request.json"))
        == Sample.text("chainlink.eth_call_revert.json"))
    let elsewhere = request.replacing("0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c", with: "0x1").replacing(
      #""id":1"#, with: #""id":3"#)
    #expect(try post(elsewhere) == Sample.text("chainlink.eth_call_empty.json"))
  }

  private struct Answered: Decodable {
    struct Response: Decodable { let result: String }
    let response: Response
  }

  private func hexadecimal(_ value: Int64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: digits - text.count) + text
  }

  // MARK: Talking

  private struct Heard {
    let time: Timestamp
    let text: String
  }

  /// What comes within half a minute.
  private func talk(
    to venue: inout SimulatedVenue, path: String, headers: [VenueHeader] = [], _ messages: [String]
  ) throws -> [Heard] {
    try #require(venue.open(1, path: path, headers: headers, at: now) == .accepted)
    for message in messages { venue.receive(Array(message.utf8), from: 1, at: now) }
    let outputs = venue.advance(to: now) + venue.advance(to: now.adding(microseconds: 30_000_000))
    venue.close(1)
    return outputs.compactMap { output in
      guard case .frame(_, let time, let bytes, _) = output else { return nil }
      return Heard(time: time, text: String(decoding: bytes, as: UTF8.self))
    }
  }

  private let connection = "00000000-0000-4000-8000-000000001001"

  private func stamp(_ frame: Heard) -> String { "\(frame.time.milliseconds)" }

  /// Observations that were out by `time`.
  private func ticks(before time: Timestamp, delayMilliseconds: Int64, seconds: Int64) throws -> [OracleTick] {
    var venue = try #require(stage.venue("rtds"))
    let end = time.adding(microseconds: -delayMilliseconds * 1000)
    let start = end.adding(microseconds: -seconds * 1_000_000)
    let minutes = (start.minute...end.minute).map { Timestamp(minute: $0) }
    return minutes.flatMap { venue.ticks(of: ClientStage.symbol, minute: $0) }.filter {
      $0.time >= start && $0.time <= end
    }
  }

  /// Of the last minute's observations.
  private func mean(at time: Timestamp) throws -> OraclePrice {
    let ticks = try ticks(before: time, delayMilliseconds: 0, seconds: 60).filter {
      $0.time > time.adding(microseconds: -60_000_000)
    }
    return OraclePrice(units: ticks.reduce(0) { $0 + $1.price.units } / Int128(ticks.count))
  }

  /// As a JSON number of a binary float.
  private func number(_ price: OraclePrice) -> String {
    let text = (Double(price.description) ?? .nan).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

private enum Sample {
  static func bytes(_ name: String) throws -> [UInt8] {
    let folder = try #require(Bundle.module.resourceURL)
    return Array(try Data(contentsOf: folder.appending(path: "Fixtures/\(name)")))
  }

  /// Without the white space between JSON's parts and the comment on it, and with other values in places of its own.
  static func text(_ name: String, _ values: [String: String] = [:]) throws -> String {
    var (inString, isEscaped) = (false, false)
    let kept = try bytes(name).filter { byte in
      if !inString, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { return false }
      if byte == UInt8(ascii: "\""), !isEscaped { inString.toggle() }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      return true
    }
    return try filled(String(decoding: kept, as: UTF8.self).replacing(/"_comment":"[^"]*",/, with: ""), values)
  }

  static func filled(_ sample: String, _ values: [String: String]) throws -> String {
    var text = sample
    // Longer ones first: a shorter one may be a part of it.
    for (index, old) in values.keys.sorted(by: { $0.count > $1.count }).enumerated() {
      try #require(text.contains(old), "the sample has no \(old)")
      text = text.replacing(old, with: "<\(index)>")
    }
    for (index, old) in values.keys.sorted(by: { $0.count > $1.count }).enumerated() {
      text = text.replacing("<\(index)>", with: values[old] ?? "")
    }
    return text
  }
}
