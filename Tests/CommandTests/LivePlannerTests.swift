import Ingestion
import Market
import Operations
import Testing
import Venues

@testable import candlecast

/// What a live feed follows.
struct LivePlannerTests {
  private static let now = Timestamp(minute: 29_000_000)

  private func planner(_ knobs: [String: String]) throws -> LivePlanner {
    var input = Configuration.Input()
    input.flags = knobs.map { Configuration.Flag(key: $0.key, name: "--test", text: $0.value) }
    let context = CommandContext(
      configuration: try Configuration(input), log: .silent, output: Output(isJSON: false, isQuiet: true) { _ in },
      installation: Installation(environment: [:]))
    return LivePlanner(
      context: context, catalogue: VenueCatalogue(configuration: context.configuration), now: Self.now)
  }

  @Test(arguments: [
    ("coinbase", "BTCUSDT", "coinbase:BTC-USDT"), ("coinbase", "BTC-USD", "coinbase:BTC-USD"),
    ("bybit", "BTCUSDT", "bybit:BTCUSDT"),
  ])
  func `a series is followed and predicted on by the name that its venue has for it`(
    venue: String, symbol: String, series: String
  ) throws {
    let planner = try planner(["market.venue": venue, "market.symbol": symbol])
    #expect(try planner.view.description == series)
    let plan = try planner.plan([.trades], candlesPerRequest: "gaps.backfill_batch_size", from: nil)
    #expect(plan.feeds.map { $0.series.map { "\(venue):\($0.symbol)" } } == [[series]])
  }

  @Test func `a view of two venues is named by both`() throws {
    let planner = try planner([
      "market.view": "chainlink:BTCUSDT+coinbase:BTCUSDT", "chainlink.source": "rtds",
    ])
    #expect(try planner.view.description == "chainlink:BTC/USD+coinbase:BTC-USDT")
  }
}
