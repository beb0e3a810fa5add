import Operations
import Storage

struct ReplayVerb: Verb {
  let name = "replay"
  let summary = "predicts through a stretch of the past as it would have been live"
  let details = [
    "Goes through the same pipeline as live. A repeated replay adds nothing to the predictions table.",
    "--recording plays a tape (or a text of lines with receive time in ns and raw frame) through decoders, ingestion and",
    "pipeline instead of the store's candles; it writes only to a store that --store names.",
  ]
  let options = [
    Option("--from", .time, "first decision; needed without --recording"),
    Option("--to", .time, "time after the last; needed without --recording"),
    Option("--recording", .path, "tape, folder of tapes, or text of frames to play back"),
    Option("--history", .path, "store that the recorded run began with (default: the configured one)"),
    Option("--speed", .speed, "max (default), or a multiple of real time: 60x, 1x"),
    Option("--log", .flag, "write the rows to logs/inference.log too"), Option.target, Option.view, Option.roles,
  ]
  let examples = [
    Example("candlecast replay --from 2024-03-31 --to 2024-04-01", "the last bundled day, as fast as it goes"),
    Example("candlecast replay --from 2024-03-31T23:00Z --to 2024-04-01 --speed 60x", "an hour in a minute"),
    Example("candlecast replay --recording feature_store/tape", "what a live run received, to compare its fingerprint"),
  ]

  let readsModels = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    if let recording = arguments.text("--recording") { return try play(recording, arguments, context) }
    for option in ["--from", "--to"] where !arguments.has(option) {
      throw CommandError(.wrongUsage, "replay needs \(option), or --recording with a tape")
    }
    let log = arguments.has("--log") ? InferenceLog(folder: context.logFolder) : nil
    let replay = Replay(
      context: context, decisions: arguments.range, speed: arguments.speed("--speed") ?? .asFastAsPossible,
      version: try context.servedVersion(context.view, context.target), log: log)
    let result = try replay.run()
    context.output.present(result.json) { result.text }
    return .done
  }

  private func play(_ recording: String, _ arguments: ParsedArguments, _ context: CommandContext) throws -> ExitCode {
    let destination = context.configuration.isSet("store") ? try context.openForWriting() : nil
    let history = arguments.text("--history").map(Self.location) ?? context.store
    var replay = RecordingReplay(context: context, path: recording, destination: destination, history: history)
    let roles = try Set<Role>(context.configuration)
    guard roles == .all else {
      guard roles == [.ingest], destination != nil else {
        throw CommandError(
          .wrongUsage, "a recording is played back by all roles, or by ingest alone into a store that --store names")
      }
      let result = try RoleSession(context, roles).replay(&replay)
      context.output.present(result.json) { result.text }
      return .done
    }
    let result = try replay.run()
    context.output.present(result.json) { result.text }
    return .done
  }

  /// A store's URL, or the path of a file of candles.
  private static func location(_ text: String) -> StoreLocation { StoreLocation(text) ?? .duckDB(path: text) }
}
