import Ingestion
import Market
import Operations
import Tape
import Venues

struct RunVerb: Verb {
  let name = "run"
  let summary = "collects live data, closes gaps, and predicts on every candle, until it is stopped"
  let details = [
    "Follows the venues of the market view and those of market.venues, for market.symbol or all of market.symbols.",
    "What was missed since the last run is fetched first. Health is served on ports 8080 (feed) and 9000 (gaps,",
    "metrics). Everything received is recorded under tape.directory. Ctrl-C stores what has arrived and ends.",
  ]
  let options = [
    Option.target, Option.view,
    Option(
      "--feeder-port", .knob(.integer(0...65_535), placeholder: "PORT"), knob: "server.feeder_port",
      "health of the feed; 0 picks a free port (default: 8080)"),
    Option(
      "--gap-handler-port", .knob(.integer(0...65_535), placeholder: "PORT"), knob: "server.gap_handler_port",
      "health of backfilling, and metrics; 0 picks a free port (default: 9000)"),
    Option("--no-tape", .flag, "do not record what is received"), Option.roles,
  ]
  let examples = [
    Example("candlecast run", "Binance's BTCUSDT, with a prediction at every close"),
    Example(
      "candlecast run --venue bybit --symbol ETHUSDT --no-tape", "another venue and instrument, without a recording"),
    Example(
      "candlecast run --roles ingest --store postgres://candlecast@db/candlecast",
      "collects; other processes make features and predict"),
    Example("candlecast run --venue sim-binance", "what `candlecast simulate` sends, in series of its own"),
  ]

  let readsModels = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    FreeMemory.keepLittle()
    var options = LiveSession.Options(service: context.configuration)
    if arguments.has("--no-tape") { options.records = false }
    let roles = try Set<Role>(context.configuration)
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
      records: configuration.boolean("tape.enabled") ?? true, servesHealth: true)
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
