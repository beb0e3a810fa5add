import Dataset
import Evaluation
import FoundationEssentials
import Glibc
import Learning
import Market
import Models
import Settlement

/// Fits the models of one target from a dataset file; started by `candlecast train`.
///
/// It speaks JSON lines: `{"stage":…,"fraction":…}` while it works, at the end one `{"result":…}` or `{"error":…}`.
@main
struct Trainer {
  static func main() {
    do {
      let request = try Request(CommandLine.arguments)
      try emit(Reply(result: try run(request)))
    } catch let error as Request.Usage {
      fail(error.description, code: 2)
    } catch {
      fail("\(error)", code: code(of: error))
    }
  }

  private static func run(_ request: Request) throws -> Summary {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try fit(request)
    let elapsed = (clock.now - start).components
    return Summary(
      judged: result.judged.description, refit: result.refit?.description, report: result.report,
      verdict: result.verdict, table: result.table,
      seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18,
      xgboostSeconds: Double(result.library.xgboost) / 1e9, torchSeconds: Double(result.library.torch) / 1e9)
  }

  private static func fit(_ request: Request) throws -> TrainingRun.Result {
    let observe: (TrainingRun.Progress) throws -> Void = { progress in
      try emit(Line(stage: progress.stage, fraction: progress.fraction))
    }
    switch request.plan {
    case .candles(let plan):
      return try TrainingRun(
        plan, dataset: try Dataset(path: request.dataset), created: request.created, codeVersion: request.codeVersion,
        observe: observe
      ).run(writingTo: request.output)
    case .ticks(let plan):
      return try TickTrainingRun(
        plan, dataset: try TickDataset(path: request.dataset), created: request.created,
        codeVersion: request.codeVersion, observe: observe
      ).run(writingTo: request.output)
    }
  }

  private struct Line: Encodable {
    let stage: String
    let fraction: Double
  }

  private struct Reply: Encodable { let result: Summary }

  private struct Failure: Encodable { let error: String }

  private static func emit(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    write([UInt8](try encoder.encode(value)) + [10], to: STDOUT_FILENO)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      // Whoever started this program is gone, and nobody is left to tell.
      guard written > 0 else { exit(1) }
      rest = rest.dropFirst(written)
    }
  }

  private static func fail(_ message: String, code: Int32) -> Never {
    try? emit(Failure(error: message))
    write(Array("candlecast-trainer: \(message)\n".utf8), to: STDERR_FILENO)
    exit(code)
  }

  /// 3 for data that cannot be learnt from, 4 for a library that is not there, else 1.
  private static func code(of error: any Error) -> Int32 {
    switch error {
    case is DatasetError, is TrainingError, is SettlementError: 3
    case BoosterError.libraryMissing: 4
    default: 1
    }
  }
}

/// What a training found, as `candlecast train` reads it.
struct Summary: Encodable {
  let judged: String
  let refit: String?
  let report: EvaluationReport
  let verdict: GateVerdict
  let table: String
  let seconds: Double
  let xgboostSeconds: Double
  let torchSeconds: Double
}

/// The command line: a dataset, a plan, a folder for the versions, and what their cards say of their making.
struct Request {
  let dataset: String
  let plan: Plan
  let output: String
  let created: Timestamp
  let codeVersion: String

  enum Plan {
    case candles(TrainingPlan)
    case ticks(TickTrainingPlan)

    init(_ overrides: JSONNode) throws {
      let target = overrides["target"]?.string.flatMap { PredictionTarget($0) }
      self =
        target?.isOfTicks == true
        ? .ticks(try TickTrainingPlan(overrides: overrides)) : .candles(try TrainingPlan(overrides: overrides))
    }
  }

  struct Usage: Error, CustomStringConvertible {
    let problem: String
    var description: String {
      "\(problem)\nusage: candlecast-trainer DATASET PLAN.json OUTPUT_FOLDER CREATED_TIME CODE_VERSION\n"
        + "This program is started by “candlecast train”."
    }
  }

  init(_ arguments: [String]) throws {
    guard arguments.count == 6 else {
      throw Usage(problem: "five arguments are needed, \(arguments.count - 1) were given")
    }
    guard let created = Timestamp(arguments[4]) else { throw Usage(problem: "“\(arguments[4])” is not a time") }
    guard let json = FileManager.default.contents(atPath: arguments[2]) else {
      throw Usage(problem: "cannot read the plan \(arguments[2])")
    }
    guard let overrides = try? JSONDecoder().decode(JSONNode.self, from: json) else {
      throw Usage(problem: "the plan \(arguments[2]) is not JSON")
    }
    plan = try Plan(overrides)
    dataset = arguments[1]
    output = arguments[3]
    self.created = created
    codeVersion = arguments[5]
  }
}
