import Dispatch
import Market
import VenueSimulator

@testable import candlecast

/// Simulated venues on a real port, playing on a thread of their own.
final class Exchange: Sendable {
  /// One for all tests that disturb nothing.
  static let shared = Result { try Exchange() }
  /// Slow enough that five seconds of its clock, which is what signatures are good for, are a quarter of a second.
  static let calm = Result { try Exchange(speed: 20) }

  let server: SimulatorServer
  let clock: VirtualClock

  init(speed: Double = 60, faults: [Fault] = []) throws {
    let market = try Recording.market()
    clock = VirtualClock(start: market.split, speed: speed)
    let venues = VenueSet(market, faults: FaultPlan(faults, start: market.split), seed: 1)
    server = try SimulatorServer(venues, market, clock: clock)
    let server = server
    DispatchQueue(label: "simulator").async { server.run() }
  }

  private var http: String { "http://127.0.0.1:\(server.port)" }
  private var webSocket: String { "ws://127.0.0.1:\(server.port)" }

  /// All addresses of all venues, by knob.
  var knobs: [String: String] {
    [
      "binance.api_url": "\(http)/binance", "binance.stream_url": "\(webSocket)/binance/ws",
      "binance.sbe_url": "\(webSocket)/binance-sbe", "binance.archive_url": "\(http)/binance",
      "binance_us.api_url": "\(http)/binanceus", "binance_us.stream_url": "\(webSocket)/binanceus",
      "coinbase.api_url": "\(http)/coinbase-exchange", "coinbase.stream_url": "\(webSocket)/coinbase-exchange",
      "bybit.api_url": "\(http)/bybit", "bybit.stream_url": "\(webSocket)/bybit",
      "chainlink.api_url": "\(http)/chainlink", "chainlink.stream_url": "\(webSocket)/chainlink",
      "chainlink.rpc_url": "\(http)/chainlink/rpc", "chainlink.api_key": VenueSet.Credentials.apiKey,
      "chainlink.api_secret": VenueSet.Credentials.secret, "polymarket.rtds_url": "\(webSocket)/rtds",
      "polymarket.polybolt_url": "\(webSocket)/polybolt",
    ]
  }
}
