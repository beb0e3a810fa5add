import Dataset
import Market
import Models
import Operations
import Storage

struct TrainVerb: Verb {
  let name = "train"
  let summary = "fits all models going forward in time, calibrates, judges and registers a version"
  let details = [
    "Without --full-retrain the cached dataset, the hyper-parameters and the calibrators' kind of the newest version are",
    "kept and only the newest window is fitted. Ctrl-C leaves store and registry as they were.",
    "move-60s is learnt from a tape: a point every inference.interval_seconds, in two shapes of which the better is",
    "served. Under training.min_tape_hours of tape it refuses and says how much there is.",
  ]
  let options = [
    Option.from("first candle used (default: the first stored)"),
    Option.to("candle after the last used (default: all stored)"),
    Option("--full-retrain", .flag, "make the dataset anew and walk forward through all folds"),
    Option("--refit", .flag, "then fit the judged recipe on all rows, as a version of its own"), Option.seed,
    Option.asOf,
    Option("--recording", .path, "for move-60s: tape or folder of tapes (default: tape.directory)"),
    Option("--history", .path, "for move-60s: store that the recorded runs began with (default: the configured one)"),
    Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast train", "direction-15m on everything stored"),
    Example("candlecast train --target window-15m --to 2024-03-25", "windows, nothing from 25 March on"),
    Example(
      "candlecast train --target move-60s --recording feature_store/tape", "the next minute, from trades and quotes"),
    Example("candlecast train --full-retrain --refit --seed 7", "from nothing, then refitted on all rows"),
  ]

  let readsModels = true
  let takesTickTargets = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let start = context.seconds()
    let job = TrainingJob(
      context: context, range: arguments.range, asOf: arguments.time("--as-of"),
      isFull: arguments.has("--full-retrain"), refits: arguments.has("--refit"))
    var tape: TickDatasetHeader?
    let result: TrainingJob.Result
    if let source = try source(arguments, context) {
      let trained = try job.run(on: source)
      (result, tape) = (trained.result, trained.counts)
    } else {
      result = try job.run()
    }
    present(result, tape, wholeSeconds: context.seconds() - start, context)
    return .done
  }

  /// `nil` for targets that are learnt from stored candles.
  private func source(_ arguments: ParsedArguments, _ context: CommandContext) throws -> TapeSource? {
    guard context.target.isOfTicks else {
      for option in ["--recording", "--history"] where arguments.has(option) {
        throw CommandError(
          .wrongUsage, "\(option) is for move-60s; \(context.target) is learnt from the store's candles")
      }
      return nil
    }
    guard !arguments.has("--as-of") else {
      throw CommandError(.wrongUsage, "a tape holds what was known when; --to ends it, --as-of says nothing of it")
    }
    let path = arguments.text("--recording") ?? context.configuration.text("tape.directory") ?? "feature_store/tape"
    let history = arguments.text("--history").map { StoreLocation($0) ?? .duckDB(path: $0) }
    return TapeSource(path: path, history: history ?? context.store)
  }

  private func present(
    _ result: TrainingJob.Result, _ tape: TickDatasetHeader?, wholeSeconds: Double, _ context: CommandContext
  ) {
    let summary = result.summary
    let librarySeconds = summary.xgboostSeconds + summary.torchSeconds
    context.output.present(
      [
        "target": .text(context.target.description), "view": .text(context.view.description),
        "versions": .array(result.versions.map { .text($0.description) }),
        "gate": ["passed": .boolean(summary.verdict.isPassed), "reason": .text(summary.verdict.reason)],
        "seconds": JSONValue(wholeSeconds), "trainer_seconds": JSONValue(summary.seconds),
        "xgboost_seconds": JSONValue(summary.xgboostSeconds), "torch_seconds": JSONValue(summary.torchSeconds),
        "trainer_over_libraries": JSONValue(summary.seconds / librarySeconds),
        "trainer_peak_resident_bytes": JSONValue(Int(result.peakResidentBytes)), "table": .text(summary.table),
        "tape": tape?.json ?? .null,
      ]
    ) {
      let versions = result.versions.map(\.description).joined(separator: ", then on all rows ")
      return """
        \(context.target)@\(context.view), walk-forward, all folds but the first:
        \(summary.table)
        \(tape.map { $0.text + "\n" } ?? "")gate: \(summary.verdict.reason)
        registered \(versions)
        \(wholeSeconds.rounded(digits: 1)) s, of which the trainer \(summary.seconds.rounded(digits: 1)) s; inside XGBoost \
        \(summary.xgboostSeconds.rounded(digits: 1)) s, inside libtorch \(summary.torchSeconds.rounded(digits: 1)) s; \
        trainer ÷ libraries \((summary.seconds / librarySeconds).rounded(digits: 2))
        """
    }
  }
}
