import Ingestion
import Market
import Operations
import TestSupport
import Testing
import Venues

@testable import candlecast

/// What a live feed does when files beside its store cannot be written.
struct LiveKeeperTests {
  @Test func `a file beside the store that cannot be written does not end the feed`() async throws {
    let folder = try TemporaryFolder()
    var input = Configuration.Input()
    input.flags = [Configuration.Flag(key: "log.directory", name: "--test", text: folder.path + "/logs")]
    let context = CommandContext(
      configuration: try Configuration(input), log: .silent, output: Output(isJSON: false, isQuiet: true) { _ in },
      installation: Installation(environment: [:]))
    let now = Timestamp(minute: 29_000_000)
    let series = try #require(Symbol("BTCUSDT"))
    let plan = LivePlan(
      seed: 1, thresholds: LiveThresholds(),
      feeds: [
        FeedPlan(
          venue: .binance, interface: "binance", channels: [],
          series: [SeriesPlan(symbol: series, firstMinute: now.minute - 1)])
      ])
    var core = LiveCore(plan, protocols: [BinanceProtocol()], now: now)
    let keeper = LiveKeeper(
      context: context, clock: .wall, writer: nil, tape: nil, predictor: nil,
      memories: FeedMemoryFile(in: folder.path + "/absent"), status: LiveStatus(),
      inbox: Inbox(capacity: 1))
    try await keeper.take(core.start(), core, now: now)
    _ = try await keeper.finish(core)
  }
}
