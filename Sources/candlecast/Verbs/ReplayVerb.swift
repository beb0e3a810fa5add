struct ReplayVerb: Verb {
  let name = "replay"
  let summary = "predicts through a stretch of the past as it would have been live"
  let details = [
    "Goes through the same pipeline as live. A repeated replay adds nothing to the predictions table."
  ]
  let options = [
    Option("--from", .time, isRequired: true, "first decision"),
    Option("--to", .time, isRequired: true, "time after the last"),
    Option("--speed", .speed, "max (default), or a multiple of real time: 60x, 1x"),
    Option("--log", .flag, "write the rows to logs/inference.log too"), Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast replay --from 2024-03-31 --to 2024-04-01", "the last bundled day, as fast as it goes"),
    Example("candlecast replay --from 2024-03-31T23:00Z --to 2024-04-01 --speed 60x", "an hour in a minute"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let log = arguments.has("--log") ? InferenceLog(folder: context.logFolder) : nil
    let replay = Replay(
      context: context, decisions: arguments.range, speed: arguments.speed("--speed") ?? .asFastAsPossible,
      version: try context.servedVersion(context.view, context.target), log: log)
    let result = try replay.run()
    context.output.present(result.json) { result.text }
    return .done
  }
}
