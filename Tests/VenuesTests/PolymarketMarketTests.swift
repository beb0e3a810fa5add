import Market
import Testing
import Venues

@Suite struct PolymarketMarketTests {
  private func market(_ text: String) throws -> PolymarketMarket {
    try #require(try PolymarketMarket.markets(in: VenueAnswer(text)).first)
  }

  private func sample() throws -> String { try OracleFixture.compact("polymarket.gamma_market_btc_5m.json") }

  @Test func `a five-minute market tells its window, rule and outcomes`() throws {
    let market = try #require(
      try PolymarketMarket.markets(in: OracleFixture.answer("polymarket.gamma_market_btc_5m.json")).first)
    #expect(market.slug == "btc-updown-5m-1787414400")
    #expect(market.windowStart == Timestamp("2026-08-22T16:00:00Z"))
    #expect(market.end == Timestamp("2026-08-22T16:05:00Z"))
    #expect(market.rule == .timeWeightedMean(seconds: 60))
    #expect(!market.isClosed)
    #expect(market.winner == nil)
    #expect(market.priceToBeat == nil)
    #expect(market.outcomes.map(\.name) == ["Up", "Down"])
    #expect(market.outcomes.map(\.price) == [Decimal8("0.555"), Decimal8("0.445")])
    #expect(
      market.outcomes[0].token == "113013382422133157315656090194075928009220145127085300671933810669470922115281")
    #expect(
      PolymarketMarket.slug(asset: "btc", minutes: 5, start: market.windowStart!) == market.slug)
  }

  @Test func `a closed market has a winner and, about no price, no rule`() throws {
    let market = try #require(
      try PolymarketMarket.markets(in: OracleFixture.answer("polymarket.gamma_market_closed.json")).first)
    #expect(market.isClosed)
    #expect(market.winner == "No")
    #expect(market.rule == nil)
    #expect(market.windowStart == nil)
  }

  @Test func `the rule is the market's own`() throws {
    let text = try sample()
    let configuration =
      #""cryptoMarketConfig":{"id":"btc-5m-twap-60","asset":"btc","duration":"5m","twapEnabled":true,"#
      + #""twapLookbackSeconds":60}"#
    #expect(text.contains(configuration))
    let stream = "https://data.chain.link/streams/btc-usd-twap-60s-streams"
    func rule(_ source: String, _ replaced: String? = nil) throws -> SettlementRule? {
      try market(text.replacing(stream, with: source).replacing(configuration, with: replaced ?? configuration)).rule
    }
    let none = #""cryptoMarketConfig":null"#
    #expect(try rule(stream, none) == .timeWeightedMean(seconds: 60))
    #expect(try rule("https://data.chain.link/streams/btc-usd", none) == .point)
    #expect(
      try rule("https://data.chain.link/streams/btc-usd-twap-30s-streams", none) == .timeWeightedMean(seconds: 30))
    #expect(try rule("https://www.binance.com/en/trade/BTC_USDT", none) == nil)
    #expect(try rule("", #""cryptoMarketConfig":{"twapEnabled":false}"#) == .point)
    #expect(try rule("") == .timeWeightedMean(seconds: 60))
    #expect(throws: VenueError.self) { try rule("https://data.chain.link/streams/btc-usd") }
    #expect(throws: VenueError.self) {
      try rule("", #""cryptoMarketConfig":{"twapEnabled":true,"twapLookbackSeconds":0}"#)
    }
  }

  @Test func `the official strike is read with its digits`() throws {
    let text = try sample()
    let opening = #"{"events":[{"slug":"x","eventMetadata":{"priceToBeat":64928.76883506973}}],"#
    #expect(try market(opening + text.dropFirst()).priceToBeat == OraclePrice("64928.76883506973"))
    #expect(
      try market(#"{"eventMetadata":{"priceToBeat":"64928.5"},"# + text.dropFirst()).priceToBeat
        == OraclePrice("64928.5"))
    #expect(throws: VenueError.self) {
      try market(#"{"eventMetadata":{"priceToBeat":-1},"# + text.dropFirst())
    }
  }

  @Test func `lists come with one market or many, and none is none`() throws {
    let text = try sample()
    #expect(try PolymarketMarket.markets(in: VenueAnswer("[\(text),\(text)]")).count == 2)
    #expect(try PolymarketMarket.markets(in: VenueAnswer("[]")).isEmpty)
    #expect(throws: VenueError.refused(status: 404, code: nil, reason: "slug not found")) {
      try PolymarketMarket.markets(in: VenueAnswer(#"{"error":"slug not found"}"#, status: 404))
    }
  }

  @Test func `what contradicts itself is an error`() throws {
    let text = try sample()
    for (old, new) in [
      (#"[\"Up\", \"Down\"]"#, #"[\"Up\"]"#), (#"\"0.555\""#, #"\"1.5\""#),
      ("2026-08-22T16:00:00Z", "2026-08-22T16:05:00Z"),
      ("2026-08-22T16:05:00Z", "soon"), (#"[\"Up\", \"Down\"]"#, "Up"),
    ] {
      let damaged = text.replacing(old, with: new)
      #expect(damaged != text)
      #expect(throws: VenueError.self, "\(old)") { try market(damaged) }
    }
  }

  @Test func `a name in a request cannot leave its place`() {
    #expect(PolymarketMarket.request(slug: "btc-updown-5m-1").path == "/markets/slug/btc-updown-5m-1")
    #expect(PolymarketMarket.request(slug: "a/../b?c=d&e").path == "/markets/slug/a..bcde")
  }
}
