import Ingestion
import Market
import Operations
import Serving
import Tape
import Venues

struct RunVerb: Verb {
  let name = "run"
  let summary = "collects live data, closes gaps, and predicts on every candle, until it is stopped"
  let details = [
    "Follows the venues of the market view and those of market.venues, for market.symbol or all of market.symbols.",
    "What was missed since the last run is fetched first. The page, the API and health are served on port 8080, gaps",
    "and metrics on 9000 too. Everything received is recorded under tape.directory. A version that is promoted",
    "meanwhile is served from the next prediction on. Verbs that only read work beside it: of an embedded store they get",
    "a copy. Ctrl-C stores what has arrived and ends.",
    "--demo needs no network: a simulator plays the last of the bundled days, moved to now, as its own process, and",
    "versions are trained in the background where there are none. Store, models, tape and log are the demo's own",
    "(feature_store/demo.duckdb, models/demo); the store begins anew at each start.",
  ]
  let options = [
    Option("--demo", .flag, "follow a simulator that plays the bundled candles"),
    Option("--speed", .speed, "of the demo, a multiple of real time (default: 60x)"),
    Option("--live", .flag, "follow the real venues, as without --demo"),
    Option(
      "--port", .knob(.integer(0...65_535), placeholder: "PORT"), knob: "server.feeder_port",
      "the page, the API and health; port 9000 is then not listened on unless it is asked for"),
    Option.target, Option.view,
    Option(
      "--feeder-port", .knob(.integer(0...65_535), placeholder: "PORT"), knob: "server.feeder_port",
      "older name of --port, which leaves 9000 as it is; 0 picks a free port (default: 8080)"),
    Option(
      "--gap-handler-port", .knob(.integer(0...65_535), placeholder: "PORT"), knob: "server.gap_handler_port",
      "health of backfilling, and metrics; 0 picks a free port (default: 9000)"),
    Option("--no-tape", .flag, "do not record what is received"), Option.roles,
  ]
  let examples = [
    Example("candlecast run --demo --port 8080", "everything on http://127.0.0.1:8080/, without a network"),
    Example("candlecast run --live", "Binance's BTCUSDT, with a prediction at every close"),
    Example(
      "candlecast run --venue bybit --symbol ETHUSDT --no-tape", "another venue and instrument, without a recording"),
    Example(
      "candlecast run --roles ingest --store postgres://candlecast@db/candlecast",
      "collects; other processes make features and predict"),
    Example("candlecast run --venue sim-binance", "what `candlecast simulate` sends, in series of its own"),
  ]

  let readsModels = true

  func flags(_ arguments: ParsedArguments) -> [Configuration.Flag] {
    arguments.configurationFlags(of: self) + (arguments.has("--demo") ? DemoPlace.flags(arguments) : [])
  }

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    try Self.check(arguments)
    FreeMemory.keepLittle()
    var options = LiveSession.Options(service: context.configuration)
    if arguments.has("--no-tape") { options.records = false }
    let roles = try Set<Role>(context.configuration)
    if arguments.has("--demo") {
      guard roles == .all else { throw UsageError.contradiction("--demo plays all roles") }
      let demo = Demo(context: context, speed: arguments.text("--speed") ?? "60x")
      let result = try demo.run(options)
      context.output.present(result.json) { result.text }
      return .done
    }
    guard roles == .all else {
      let result = try Blocking.run { [options] in try await RoleSession(context, roles).run(options) }
      context.output.present(result.json) { result.text }
      return .done
    }
    let session = LiveSession(context, options)
    let result = try Blocking.run { try await session.run() }
    context.output.present(result.json) { result.text }
    return .done
  }

  private static func check(_ arguments: ParsedArguments) throws {
    let isDemo = arguments.has("--demo")
    if isDemo, arguments.has("--live") {
      throw UsageError.contradiction("--demo follows a simulator and --live real venues: choose one")
    }
    if !isDemo, arguments.has("--speed") {
      throw UsageError.contradiction("--speed is the demo's: real venues cannot be hurried")
    }
    if arguments.has("--port"), arguments.has("--feeder-port") {
      throw UsageError.contradiction("--port and --feeder-port are the same port: give one")
    }
    if isDemo { _ = try SimulationRun.speed(arguments) }
  }
}

extension Option {
  static let roles = Option(
    "--roles", .knob(.list, placeholder: "ROLES"), knob: "roles",
    "ingest, features, predict: those this process plays (default: all)")
}

extension LiveSession.Options {
  /// Of a feed that runs for ever.
  init(service configuration: Configuration) {
    self.init(
      channels: [.klines, .trades, .quotes, .ticks], predicts: true,
      records: configuration.boolean("tape.enabled") ?? true, servesHealth: true,
      status: LiveStatus(
        features: FeatureBoard(capacity: configuration.integer("inference.feature_cache_size") ?? 100)))
  }
}

extension LiveSession.Result {
  var json: JSONValue {
    [
      "candles": [
        "new": JSONValue(writer.newCandles), "revised": JSONValue(writer.revisedCandles),
        "unchanged": JSONValue(writer.unchangedCandles),
      ],
      "predictions": JSONValue(predictions), "fingerprint": .text(fingerprint.description),
      "series": .array(
        report.feeds.flatMap(\.series).map { one in
          [
            "series": .text(one.series.description), "live": JSONValue(one.counts.live),
            "patched": JSONValue(one.counts.patched), "missing_minutes": .integer(one.missingMinutes),
            "missing_trades": .integer(one.missingTradeIds),
          ]
        }),
      "tape": tape.map { ["records": JSONValue($0.counts.records), "bytes": JSONValue($0.bytes)] } ?? .null,
    ]
  }

  var text: String {
    var lines = report.feeds.flatMap(\.series).map { one in
      "\(one.series): \(one.counts.live.grouped) candles live, \(one.counts.patched.grouped) patched, "
        + "\(Int(one.missingMinutes).grouped) minutes missing"
    }
    lines.append(
      "\(writer.newCandles.grouped) candles new in the store, \(writer.revisedCandles.grouped) revised; "
        + "\(predictions.grouped) predictions, fingerprint \(fingerprint)")
    if let tape { lines.append("\(tape.counts.records.grouped) inputs recorded, \(tape.bytes.grouped) bytes in all") }
    return lines.joined(separator: "\n")
  }
}
