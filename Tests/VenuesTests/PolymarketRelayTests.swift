import Market
import Testing
import Venues

@Suite struct PolymarketRelayTests {
  private let relay = RelayProtocol()
  private let now = Timestamp(milliseconds: 1_767_225_600_000)

  @Test func `the subscription is the documented bytes, kept alive by the text PING`() throws {
    let plan = try #require(
      RelayProtocol(topics: [.prices]).sockets(for: [.bitcoinUSD], [.ticks], now: now).first)
    #expect(try plan.greetings == [OracleFixture.compact("polymarket.rtds_subscribe.json")])
    #expect(plan.keepAlive == SocketPlan.KeepAlive(text: "PING", intervalSeconds: 5))
    let all = try #require(
      relay.sockets(for: [.bitcoinUSD, Symbol("ETH/USD")!], [.ticks], now: now).last?.greetings[0])
    for topic in RelayProtocol.Topic.allCases { #expect(all.contains("\"\(topic.rawValue)\"")) }
    #expect(all.contains(#"{\"symbol\":\"eth/usd\"}"#) && !all.contains("btc/usd"))
    #expect(relay.sockets(for: [.bitcoinUSD], [.klines], now: now).isEmpty)
  }

  @Test func `real frames give prices with all their digits`() throws {
    let lines = String(decoding: try OracleFixture.bytes("polymarket.rtds_chainlink_raw.jsonl"), as: UTF8.self)
    let ticks = try lines.split(separator: "\n").flatMap { try relay.ticks(String($0)) }
    #expect(ticks.map(\.feed.name) == ["XRP/USD", "BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"])
    #expect(
      ticks[1]
        == OracleTick(
          feed: .bitcoinUSD, source: .relay, time: Timestamp(milliseconds: 1_771_820_699_000),
          price: OraclePrice("64790.08246810615")!))
    #expect(ticks[0].price.units == 1_340_195_036_309_738_400)
  }

  @Test func `a relay that is imitated sends the bytes of the real one`() throws {
    let lines = String(decoding: try OracleFixture.bytes("polymarket.rtds_chainlink_raw.jsonl"), as: UTF8.self)
    let sent: [Int64] = [1_771_820_099_421, 1_771_820_699_964, 1_771_820_699_946, 1_771_820_699_927, 1_771_820_700_013]
    for (line, time) in zip(lines.split(separator: "\n"), sent) {
      let tick = try #require(try relay.ticks(String(line)).first)
      let made = RelayProtocol.update(tick, sentAt: Timestamp(milliseconds: time), connection: "ZN3dGejyLPECHGA=")
      #expect(made == String(line))
    }
    let snapshot = try OracleFixture.compact("polymarket.rtds_crypto_prices_snapshot.json")
      .replacing("btcusdt", with: "btc/usd")
    let made = RelayProtocol.snapshot(
      try relay.ticks(snapshot), of: .bitcoinUSD, sentAt: Timestamp(milliseconds: 1_780_726_213_178))
    #expect(made == snapshot)
    for seconds in [30, 60] {
      let mean = OracleTick(
        feed: .bitcoinUSD, source: .relay, quantity: .timeWeightedMean(seconds: seconds), time: now,
        price: OraclePrice("65000.000000000000000001")!)
      #expect(try relay.ticks(RelayProtocol.update(mean, sentAt: now, connection: "c")!) == [mean])
    }
  }

  @Test func `samples give prices and means, and one is never the other`() throws {
    func tick(_ name: String) throws -> OracleTick? { try relay.messages(OracleFixture.bytes(name)).ticks.first }
    #expect(
      try tick("polymarket.rtds_chainlink_update.json")
        == OracleTick(
          feed: .bitcoinUSD, source: .relay, time: Timestamp(milliseconds: 1_753_314_064_213),
          price: OraclePrice("67234.5")!))
    #expect(
      try tick("polymarket.rtds_twap_thirty_update.json")
        == OracleTick(
          feed: .bitcoinUSD, source: .relay, quantity: .timeWeightedMean(seconds: 30),
          time: Timestamp(milliseconds: 1_785_178_800_000), price: OraclePrice("65000.5")!))
    #expect(
      try tick("polymarket.rtds_twap_sixty_update.json")
        == OracleTick(
          feed: .bitcoinUSD, source: .relay, quantity: .timeWeightedMean(seconds: 60),
          time: Timestamp(milliseconds: 1_786_179_814_000), price: OraclePrice("64997.81")!))
  }

  @Test func `the snapshot of Chainlink's prices comes under Binance's topic`() throws {
    let text = try OracleFixture.compact("polymarket.rtds_crypto_prices_snapshot.json")
    let ticks = try relay.ticks(text.replacing("btcusdt", with: "btc/usd"))
    #expect(ticks.map(\.time.milliseconds) == [1_780_726_209_000, 1_780_726_210_000, 1_780_726_211_000])
    #expect(ticks.map(\.price) == ["61164.12", "61161.07", "61150.89"].map { OraclePrice($0)! })
    #expect(ticks.allSatisfy { $0.quantity == .price && $0.source == .relay })
  }

  @Test func `Binance's prices never become Chainlink's`() throws {
    for name in ["polymarket.rtds_crypto_prices_snapshot.json", "polymarket.rtds_crypto_prices_update.json"] {
      #expect(throws: VenueError.self) { try relay.messages(OracleFixture.bytes(name)) }
    }
    let update = try OracleFixture.compact("polymarket.rtds_crypto_prices_update.json")
    #expect(throws: VenueError.unknown(kind: "crypto_prices")) {
      try relay.messages(update.replacing("btcusdt", with: "btc/usd"))
    }
    #expect(throws: VenueError.unknown(kind: "comments")) {
      try relay.messages(#"{"topic":"comments","type":"update","payload":{"symbol":"btc/usd"}}"#)
    }
    #expect(throws: VenueError.unknown(kind: "comments reaction_created")) {
      try relay.messages(#"{"topic":"comments","type":"reaction_created","payload":{}}"#)
    }
  }

  @Test func `an empty frame says nothing`() throws {
    #expect(try relay.messages("") == [])
    #expect(try relay.messages("PONG") == [])
  }

  private func update(_ payload: String, topic: String = "crypto_prices_chainlink") -> String {
    #"{"topic":"\#(topic)","type":"update","timestamp":1,"payload":{"symbol":"btc/usd",\#(payload)}}"#
  }

  @Test func `the smallest scaled integer is the smallest price`() throws {
    let text = update(#""timestamp":1786179814000,"value":0.000000000000000001,"full_accuracy_value":"1""#)
    #expect(try relay.ticks(text)[0].price == OraclePrice(units: 1))
  }

  @Test(arguments: [
    #""timestamp":1786179814,"value":65000"#, #""timestamp":9223372036854775807,"value":65000"#, #""value":65000"#,
    #""timestamp":1786179814000"#, #""timestamp":1786179814000,"value":-1"#, #""timestamp":1786179814000,"value":1e5"#,
    #""timestamp":1786179814000,"value":65000,"full_accuracy_value":"65000.0""#,
    #""timestamp":1786179814000,"value":65000,"full_accuracy_value":"65000""#,
    #""timestamp":1786179814000,"value":65000,"full_accuracy_value":"170141183460469231731687303715884105728""#,
  ])
  func `what is no price of a time is an error`(payload: String) {
    #expect(throws: VenueError.self) { try relay.messages(update(payload)) }
  }

  @Test func `a mean over another window than its topic's is refused`() {
    let text = update(#""timestamp":1786179814000,"value":65000,"window_s":60"#, topic: "crypto_prices_twap_thirty")
    #expect(throws: VenueError.self) { try relay.messages(text) }
  }
}

@Suite struct PolymarketPolyBoltTests {
  private let bolt = PolyBoltProtocol(
    credentials: PolyBoltProtocol.Credentials(
      apiKey: "<uuid>", secret: Secret("<base64>"), passphrase: Secret("<hex>")))
  private let now = Timestamp(milliseconds: 1_767_225_600_000)

  @Test func `greetings are the documented bytes`() throws {
    let plan = try #require(bolt.sockets(for: [.bitcoinUSD], [.ticks], now: now).first)
    #expect(plan.path == "/ws")
    #expect(
      try plan.greetings == [
        OracleFixture.compact("polymarket.polybolt_auth.json"),
        OracleFixture.compact("polymarket.polybolt_subscribe.json"),
      ])
    #expect(bolt.sockets(for: [.btcusdt], [.ticks], now: now).isEmpty)
  }

  @Test func `secrets are not printed`() {
    var dumped = ""
    dump(bolt, to: &dumped)
    #expect(!dumped.contains("<base64>") && !"\(bolt)".contains("<hex>"))
  }

  @Test func `an update is a mean read as plain decimal text`() throws {
    #expect(
      try bolt.messages(OracleFixture.bytes("polymarket.polybolt_twap_update.json")) == [
        .oracle(
          OracleTick(
            feed: .bitcoinUSD, source: .polybolt, quantity: .timeWeightedMean(seconds: 60),
            time: Timestamp(milliseconds: 1_788_886_176_000), price: OraclePrice("78803.76173179")!))
      ])
  }

  @Test func `a snapshot of the means is read, and one of another provider's prices never`() throws {
    let text = try OracleFixture.compact("polymarket.polybolt_snapshot.json")
    #expect(throws: VenueError.unknown(kind: "price.crypto, version 1")) { try bolt.messages(text) }
    let ticks = try bolt.ticks(text.replacing("\"price.crypto\"", with: "\"price.crypto.twap\""))
    #expect(ticks.map(\.time.milliseconds) == [1_788_886_057_000])
    #expect(ticks.map(\.price) == [OraclePrice("78803.76173179")!])
    let empty = #"{"v":1,"channel":"price.crypto.twap","seq":1,"ts":1,"snapshot":true,"payload":{"data":[]}}"#
    #expect(try bolt.messages(empty) == [])
  }

  @Test func `a relay that is imitated sends the bytes of the samples`() throws {
    let text = try OracleFixture.compact("polymarket.polybolt_twap_update.json")
    let mean = try #require(try bolt.ticks(text).first)
    let sent = Timestamp(milliseconds: 1_788_886_176_123)
    let comment = "\"_comment\":\"documented shape, synthetic numbers\","
    let made = bolt.update(mean, sequence: 2, sentAt: sent)
    #expect(made.replacing("78803.76173179,", with: "78803.76,") == text.replacing(comment, with: ""))
    #expect(try bolt.messages(bolt.update(mean, sequence: 9, sentAt: sent, dropped: 6)).first == .dropped(count: 6))
    #expect(try bolt.ticks(bolt.snapshot([mean, mean], sequence: 1, sentAt: sent)) == [mean, mean])
    #expect(try bolt.messages(bolt.snapshot([], sequence: 1, sentAt: sent)) == [])
  }

  @Test func `skipped messages are told before what follows them`() throws {
    let text = try OracleFixture.compact("polymarket.polybolt_twap_update.json")
    let messages = try bolt.messages(text.replacing("\"seq\":2", with: "\"seq\":9,\"dropped\":6"))
    #expect(messages.first == .dropped(count: 6))
    #expect(messages.ticks.count == 1)
    #expect(throws: VenueError.self) { try bolt.messages(text.replacing("\"seq\":2", with: "\"dropped\":-1")) }
  }

  @Test func `another window, symbol, source or version is not what was asked for`() throws {
    let text = try OracleFixture.compact("polymarket.polybolt_twap_update.json")
    for (old, new) in [
      ("\"window_seconds\":60", "\"window_seconds\":30"), ("btcusd", "ethusd"), ("chainlink", "pyth"),
      ("\"v\":1", "\"v\":2"),
    ] {
      #expect(throws: VenueError.self) { try bolt.messages(text.replacing(old, with: new)) }
    }
    let scaled = text.replacing("78803.761731790000000000", with: "78803761731790000000000")
    #expect(throws: VenueError.self) { try bolt.messages(scaled) }
  }

  @Test func `answers accept or refuse`() throws {
    #expect(try bolt.messages(OracleFixture.bytes("polymarket.polybolt_authed.json")) == [.control(.accepted)])
    #expect(
      try bolt.messages(#"{"op":"subscribed","channel":"price.crypto.twap","rid":"s1"}"#) == [.control(.accepted)])
    for code in ["auth_required", "auth_invalid", "auth_unavailable", "bad_op", "bad_filter", "sub_limit"] {
      #expect(try bolt.messages(#"{"op":"error","code":"\#(code)"}"#) == [.control(.refused(reason: code))])
    }
    // A pong is no sign of data.
    #expect(try bolt.messages(#"{"op":"pong"}"#) == [.control(.accepted)])
    #expect(throws: VenueError.unknown(kind: "new")) { try bolt.messages(#"{"op":"new"}"#) }
  }

  @Test func `a close code says whether to come back`() {
    #expect(bolt.reconnection(afterClose: 4002) == .backOff)
    #expect(bolt.reconnection(afterClose: nil) == .backOff)
    #expect(bolt.reconnection(afterClose: 1006) == .backOff)
    #expect(bolt.reconnection(afterClose: 4003) == .within(seconds: 10))
    for (code, seconds) in [(4001, 3600), (4008, nil)] as [(UInt16, Int?)] {
      guard case .useless(_, let retrySeconds) = bolt.reconnection(afterClose: code), retrySeconds == seconds else {
        Issue.record("\(code) is worth no retry")
        continue
      }
    }
    #expect(RelayProtocol().reconnection(afterClose: 1000) == .backOff)
  }
}
