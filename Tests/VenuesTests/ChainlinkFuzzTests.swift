import Crypto
import Market
import TestSupport
import Testing
import Venues

/// Damaged frames end in values that keep the rules, or in errors.
@Suite struct ChainlinkFuzzTests {
  private static let share = 4000
  private let credentials = DataStreamsCredentials(apiKey: "clientId", secret: Secret("userSecret"))

  private func fuzz(_ names: [String], seed: UInt64, _ decode: ([UInt8]) throws -> [OracleTick]) throws {
    let corpus = try names.map { try OracleFixture.bytes($0) }
    var mutator = Mutator(seed: seed)
    var values = 0
    for _ in 0..<Soak.count(Self.share) {
      guard let ticks = try? decode(mutator.frame(of: corpus)) else { continue }
      values += ticks.count
      for tick in ticks {
        #expect(tick.price.units > 0)
        #expect(
          (Timestamp(milliseconds: 946_684_800_000)...Timestamp(milliseconds: 4_102_444_800_000)).contains(tick.time))
      }
    }
    #expect(values > 0, "no frame was read: the corpus or the mutator is wrong")
  }

  @Test func `reports`() throws {
    let id = FeedID("0x00030ab7d02fbba9c6304f98824524407b1f494741174320cfd17a2c22eec1de")!
    let streams = DataStreamsProtocol(
      streams: [DataStreamsProtocol.Stream(id, .bitcoinUSD)], credentials: credentials)
    try fuzz(["chainlink.rest_latest.json", "chainlink.ws_report.json"], seed: 1) { bytes in
      _ = try? streams.ticks(.bitcoinUSD, in: VenueAnswer(status: 200, body: bytes))
      return try streams.messages(bytes).ticks
    }
  }

  @Test func `signed bytes`() throws {
    struct Sample: Decodable { var fullReport: String }
    let text = try OracleFixture.decoded("chainlink.report_v3.json", as: Sample.self).fullReport
    let bytes = try #require([UInt8](hexadecimal: text.utf8.dropFirst(2)))
    var mutator = Mutator(seed: 2)
    var whole = 0
    for _ in 0..<Soak.count(Self.share) {
      guard let full = try? FullReport(mutator.frame(of: [bytes])) else { continue }
      #expect(try FullReport(full.bytes) == full)
      if let report = try? StreamReport(blob: full.blob) {
        #expect(report.blob == full.blob)
        whole += 1
      }
    }
    #expect(whole > 0)
  }

  @Test func `answers of nodes`() throws {
    let names = [
      "chainlink.eth_call_revert.json", "chainlink.eth_call_empty.json", "chainlink.eth_call_get_round_request.json",
    ]
    struct Sample: Decodable {
      struct Response: Decodable { var result: String }
      var response: Response
    }
    let result = try OracleFixture.decoded("chainlink.eth_call_latest_round.json", as: Sample.self).response.result
    let corpus =
      try names.map { try OracleFixture.bytes($0) }
      + [Array("[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\(result)\"}]".utf8)]
    let feed = AggregatorProtocol(.all[0], decimals: 8)
    var mutator = Mutator(seed: 3)
    var values = 0
    for _ in 0..<Soak.count(Self.share) {
      let answer = VenueAnswer(status: 200, body: mutator.frame(of: corpus))
      _ = try? ContractCall.calls(in: answer.body)
      guard let tick = try? feed.ticks(.bitcoinUSD, in: answer).first else { continue }
      #expect(tick.price.units > 0)
      values += 1
    }
    #expect(values > 0)
  }

  @Test func `relays`() throws {
    let relay = RelayProtocol()
    let bolt = PolyBoltProtocol(
      credentials: PolyBoltProtocol.Credentials(apiKey: "a", secret: Secret("b"), passphrase: Secret("c")))
    let names = [
      "polymarket.rtds_chainlink_update.json", "polymarket.rtds_twap_sixty_update.json",
      "polymarket.rtds_twap_thirty_update.json", "polymarket.rtds_crypto_prices_snapshot.json",
      "polymarket.polybolt_twap_update.json", "polymarket.polybolt_snapshot.json", "polymarket.polybolt_authed.json",
    ]
    try fuzz(names, seed: 4) { bytes in
      ((try? relay.messages(bytes).ticks) ?? []) + ((try? bolt.messages(bytes).ticks) ?? [])
    }
  }

  @Test func `the catalogue`() throws {
    let corpus = try ["polymarket.gamma_market_btc_5m.json", "polymarket.gamma_market_closed.json"].map {
      try OracleFixture.bytes($0)
    }
    var mutator = Mutator(seed: 5)
    var values = 0
    for _ in 0..<Soak.count(Self.share) {
      let answer = VenueAnswer(status: 200, body: mutator.frame(of: corpus))
      guard let markets = try? PolymarketMarket.markets(in: answer) else { continue }
      values += markets.count
      for market in markets { #expect(market.outcomes.allSatisfy { $0.price.map { $0 >= .zero } ?? true }) }
    }
    #expect(values > 0)
  }
}
