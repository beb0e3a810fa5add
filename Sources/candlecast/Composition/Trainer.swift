import FoundationEssentials
import Glibc
import Market
import Operations

/// Runs `candlecast-trainer` on a dataset and reads what it says.
struct Trainer {
  /// What a training found.
  struct Summary: Decodable {
    let judged: String
    let refit: String?
    let table: String
    let verdict: Verdict
    let seconds: Double
    let xgboostSeconds: Double
    let torchSeconds: Double

    struct Verdict: Decodable {
      let isPassed: Bool
      let reason: String
    }
  }

  struct Result {
    let summary: Summary
    let peakResidentBytes: Int64
  }

  let installation: Installation

  /// - Parameters:
  ///   - plan: JSON with the target and what differs from its usual plan.
  ///   - folder: gets one folder a version.
  func run(
    dataset: String, plan: [UInt8], writingTo folder: String, created: Timestamp, shouldStop: () -> Bool,
    onProgress: (String, Double) -> Void
  ) throws -> Result {
    let planPath = folder + "/plan.json"
    try Data(plan).write(to: URL(filePath: planPath))
    var environment = ProcessInfo.processInfo.environment
    // Threads that wait must not hold a processor that another one needs.
    environment["OMP_WAIT_POLICY"] = environment["OMP_WAIT_POLICY"] ?? "passive"
    let child = ChildProcess(
      executable: installation.trainer,
      arguments: [dataset, planPath, folder, created.description, Help.version], environment: environment)
    var reader = ReplyReader()
    let outcome = try child.run(shouldStop: shouldStop) { stream, line in
      if stream == .output, let progress = reader.read(line) { onProgress(progress.stage, progress.fraction) }
    }
    try FileManager.default.removeItem(atPath: planPath)
    if shouldStop() { throw CommandError(.failed, "stopped; nothing was registered") }
    switch outcome.ending {
    case .exited(0):
      guard let summary = reader.summary else { throw CommandError(.failed, "the trainer ended without a result") }
      return Result(summary: summary, peakResidentBytes: outcome.peakResidentBytes)
    case .exited(let code):
      throw CommandError(
        ExitCode(rawValue: code) ?? .failed, reader.error ?? "the trainer failed with exit code \(code)")
    case .killed(let signal):
      throw CommandError(.failed, "the trainer was ended by signal \(signal); nothing was registered")
    }
  }

  /// JSON lines: progress, then a result or an error.
  private struct ReplyReader {
    private(set) var summary: Summary?
    private(set) var error: String?

    struct Progress: Decodable {
      let stage: String
      let fraction: Double
    }

    private struct Reply: Decodable {
      let result: Summary?
      let error: String?
      let stage: String?
      let fraction: Double?
    }

    mutating func read(_ line: String) -> Progress? {
      guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(line.utf8)) else { return nil }
      summary = reply.result ?? summary
      error = reply.error ?? error
      guard let stage = reply.stage, let fraction = reply.fraction else { return nil }
      return Progress(stage: stage, fraction: fraction)
    }
  }
}
