import Ingestion
import Market
import Operations
import Venues

struct RecordVerb: Verb {
  let name = "record"
  let summary = "keeps verbatim what venues send, without a store, until it is stopped"
  let details = [
    "Trades, quotes, books, oracle prices and the answers to requests go to segments under tape.directory, compressed",
    "and checksummed; the oldest are deleted when tape.max_megabytes is reached. `candlecast replay --recording` plays",
    "them back.",
  ]
  let options = [Option.view, Option("--out", .path, knob: "tape.directory", "folder (default: feature_store/tape)")]
  let examples = [
    Example("candlecast record --out tapes/today", "everything of binance:BTCUSDT"),
    Example("candlecast record --view chainlink:BTC/USD+binance:BTCUSDT", "the oracle too"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    FreeMemory.keepLittle()
    let session = LiveSession(
      context, .init(channels: Channel.allCases, stores: false, records: true))
    let result = try Blocking.run { try await session.run() }
    context.output.present(result.json) { result.text }
    return .done
  }
}
