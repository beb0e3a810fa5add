import Market
import Models
import Operations

struct TrainVerb: Verb {
  let name = "train"
  let summary = "fits all models going forward in time, calibrates, judges and registers a version"
  let details = [
    "Without --full-retrain the cached dataset, the hyper-parameters and the calibrators' kind of the newest version are",
    "kept and only the newest window is fitted. Ctrl-C leaves store and registry as they were.",
  ]
  let options = [
    Option.from("first candle used (default: the first stored)"),
    Option.to("candle after the last used (default: all stored)"),
    Option("--full-retrain", .flag, "make the dataset anew and walk forward through all folds"),
    Option("--refit", .flag, "then fit the judged recipe on all rows, as a version of its own"), Option.seed,
    Option.asOf,
    Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast train", "direction-15m on everything stored"),
    Example("candlecast train --target window-15m --to 2024-03-25", "windows, nothing from 25 March on"),
    Example("candlecast train --full-retrain --refit --seed 7", "from nothing, then refitted on all rows"),
  ]

  let readsModels = true
  let takesTickTargets = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let start = context.seconds()
    let job = TrainingJob(
      context: context, range: arguments.range, asOf: arguments.time("--as-of"),
      isFull: arguments.has("--full-retrain"), refits: arguments.has("--refit"))
    let result = try job.run()
    let summary = result.summary
    let librarySeconds = summary.xgboostSeconds + summary.torchSeconds
    let wholeSeconds = context.seconds() - start
    context.output.present(
      [
        "target": .text(context.target.description), "view": .text(context.view.description),
        "versions": .array(result.versions.map { .text($0.description) }),
        "gate": ["passed": .boolean(summary.verdict.isPassed), "reason": .text(summary.verdict.reason)],
        "seconds": JSONValue(wholeSeconds), "trainer_seconds": JSONValue(summary.seconds),
        "xgboost_seconds": JSONValue(summary.xgboostSeconds), "torch_seconds": JSONValue(summary.torchSeconds),
        "trainer_over_libraries": JSONValue(summary.seconds / librarySeconds),
        "trainer_peak_resident_bytes": JSONValue(Int(result.peakResidentBytes)), "table": .text(summary.table),
      ]
    ) {
      let versions = result.versions.map(\.description).joined(separator: ", then on all rows ")
      return """
        \(context.target)@\(context.view), walk-forward, all folds but the first:
        \(summary.table)
        gate: \(summary.verdict.reason)
        registered \(versions)
        \(wholeSeconds.rounded(digits: 1)) s, of which the trainer \(summary.seconds.rounded(digits: 1)) s; inside XGBoost \
        \(summary.xgboostSeconds.rounded(digits: 1)) s, inside libtorch \(summary.torchSeconds.rounded(digits: 1)) s; \
        trainer ÷ libraries \((summary.seconds / librarySeconds).rounded(digits: 2))
        """
    }
    return .done
  }
}
