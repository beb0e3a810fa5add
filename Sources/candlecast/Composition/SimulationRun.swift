import Ingestion
import Market
import Operations
import Transport
import VenueSimulator

/// A simulator as a command line describes it.
struct SimulationRun {
  private let market: SimulatedMarket
  private let server: SimulatorServer
  private let host: String
  private let speed: Double
  private let context: CommandContext

  /// Takes the port.
  init(_ arguments: ParsedArguments, _ context: CommandContext) throws {
    self.context = context
    host = arguments.text("--host") ?? "127.0.0.1"
    speed = try Self.speed(arguments)
    let paths = [arguments.text("--data")].compactMap { $0 } + arguments.positionals
    let files = paths.map { (path: $0, symbol: Self.symbol(of: $0, arguments, context)) }
    let streamed = arguments.text("--stream-last") ?? "1d"
    guard let seconds = SimulatedTime.seconds(streamed), seconds > 0 else {
      throw UsageError.badValue(
        name: "--stream-last", value: streamed, expected: "a length such as 30d, 6h or 90m", suggestion: nil)
    }
    let recordings = try SimulatedMarket.recordings(in: files)
    let now = context.now()
    let isMoved = !arguments.has("--original-time")
    market = try SimulatedMarket(
      recordings,
      SimulatedMarket.Options(
        streamedMicroseconds: seconds * 1_000_000, splitAt: isMoved ? now : nil, seed: context.seed))
    let start = isMoved ? now : market.split
    let lasting = (market.end.microseconds - start.microseconds) / 1_000_000
    let faults: FaultPlan
    do throws(FaultTextError) {
      faults = try FaultPlan(
        arguments.text("--faults") ?? "", start: start, lastingSeconds: lasting, seed: context.seed)
    } catch {
      throw UsageError.contradiction("\(error)")
    }
    let venues = VenueSet(market, faults: faults, seed: context.seed)
    do throws(TransportError) {
      server = try SimulatorServer(
        venues, market, clock: VirtualClock(start: start, speed: speed), host: host,
        port: arguments.integer("--port") ?? 0)
    } catch {
      throw CommandError(.unreachable, "\(error)")
    }
  }

  static func speed(_ arguments: ParsedArguments) throws(UsageError) -> Double {
    switch arguments.speed("--speed") ?? .realTime(multiple: 60) {
    case .realTime(let multiple) where multiple <= 100_000: return multiple
    default:
      throw UsageError.badValue(
        name: "--speed", value: arguments.text("--speed") ?? "", expected: "a multiple of real time such as 60x",
        suggestion: nil)
    }
  }

  /// What the file's name begins with, unless the option says it.
  private static func symbol(of path: String, _ arguments: ParsedArguments, _ context: CommandContext) -> Symbol {
    let name = path.split(separator: "/").last ?? ""
    let start = name.prefix { $0.isASCII && ($0.isUppercase || $0.isNumber) }
    guard arguments.text("--symbol") == nil, start.count >= 5, let symbol = Symbol(String(start)) else {
      return context.series.symbol
    }
    return symbol
  }

  // MARK: Running

  func announce() {
    // One line, so that a script can wait for it.
    context.output.verbatim(context.output.isJSON ? json.description : text)
  }

  func play() {
    server.run { context.isStopRequested }
    if server.slowClients > 0 {
      context.log.write(.warning, "simulate", "\(server.slowClients) clients read too slowly and were cut off")
    }
  }

  private var base: String { "\(host.contains(":") ? "[\(host)]" : host):\(server.port)" }

  /// What to set, and to what; each name is that of a knob.
  ///
  /// - Parameter interface: which of Coinbase's two the knobs are for.
  static func endpoints(_ base: String, coinbase interface: String) -> [(name: String, url: String)] {
    let coinbase = interface == "advanced" ? "coinbase" : "coinbase-exchange"
    return [
      ("BINANCE_API_URL", "http://\(base)/binance"), ("BINANCE_STREAM_URL", "ws://\(base)/binance/ws"),
      ("BINANCE_SBE_STREAM_URL", "ws://\(base)/binance-sbe"), ("BINANCE_ARCHIVE_URL", "http://\(base)/binance"),
      ("BINANCE_US_API_URL", "http://\(base)/binanceus"), ("BINANCE_US_STREAM_URL", "ws://\(base)/binanceus/ws"),
      ("COINBASE_EXCHANGE_API_URL", "http://\(base)/\(coinbase)"),
      ("COINBASE_EXCHANGE_STREAM_URL", "ws://\(base)/\(coinbase)"),
      ("BYBIT_API_URL", "http://\(base)/bybit"), ("BYBIT_STREAM_URL", "ws://\(base)/bybit"),
      ("CHAINLINK_API_URL", "http://\(base)/chainlink"), ("CHAINLINK_STREAM_URL", "ws://\(base)/chainlink"),
      ("CHAINLINK_RPC_URL", "http://\(base)/chainlink/rpc"),
      ("CHAINLINK_API_KEY", VenueSet.Credentials.apiKey), ("CHAINLINK_API_SECRET", VenueSet.Credentials.secret),
      ("POLYMARKET_RTDS_URL", "ws://\(base)/rtds"), ("POLYMARKET_POLYBOLT_URL", "ws://\(base)/polybolt"),
    ]
  }

  private var endpoints: [(name: String, url: String)] {
    Self.endpoints(base, coinbase: context.configuration.text("coinbase.interface") ?? "exchange")
  }

  private var text: String {
    let symbols = market.symbols.map(\.name).joined(separator: ", ")
    let lines = [
      "\(symbols): streams from \(market.split) to \(market.end) at \(speed)x",
      "clock: http://\(base)/sim/clock, truth: http://\(base)/sim/truth?symbol=\(market.symbols.first?.name ?? "")",
    ]
    return (lines + endpoints.map { "export \($0.name)=\($0.url)" }).joined(separator: "\n")
  }

  private var json: JSONValue {
    .object([
      JSONValue.Member("port", .integer(Int64(server.port))), JSONValue.Member("speed", .number(speed)),
      JSONValue.Member("synthetic", .boolean(true)),
      JSONValue.Member("symbols", .array(market.symbols.map { .text($0.name) })),
      JSONValue.Member("start", .text(market.split.description)),
      JSONValue.Member("end", .text(market.end.description)),
      JSONValue.Member("endpoints", .object(endpoints.map { JSONValue.Member($0.name, .text($0.url)) })),
    ])
  }
}
