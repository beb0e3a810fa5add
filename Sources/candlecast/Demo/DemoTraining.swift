import Dispatch
import FoundationEssentials
import Market
import Models
import Operations
import Platform
import Storage
import Synchronization

/// Trains versions for a demonstration in processes of their own, out of the recorded candles before those that stream.
///
/// A store has one process that writes to it, so these have a store for themselves; the running one finds the versions in
/// the registry. What is learnt for a simulated venue is marked synthetic there and cannot be promoted.
final class DemoTraining: Sendable {
  private let context: CommandContext
  private let data: String
  private let folder: String
  private let streamedMicroseconds: Int64
  private let isStopping = Atomic(false)
  private let hasEnded = DispatchSemaphore(value: 0)

  /// - Parameter folder: for what is needed meanwhile.
  init(_ context: CommandContext, data: String, folder: String, streamedMicroseconds: Int64) throws {
    (self.context, self.data, self.folder) = (context, data, folder)
    self.streamedMicroseconds = streamedMicroseconds
    try DedicatedThread.start {
      self.run()
      self.hasEnded.signal()
    }
  }

  /// Returns when it has ended; what is not finished is not registered.
  func stop() {
    isStopping.store(true, ordering: .relaxed)
    hasEnded.wait()
  }

  /// What the page shows, and what was asked for.
  private var targets: [PredictionTarget] {
    var targets = [context.target]
    if let window = PredictionTarget("window-15m"), window != context.target { targets.append(window) }
    return targets
  }

  private func run() {
    do {
      let missing = try targets.filter {
        try context.registry.serving(RegistrySlot(context.view, $0)) == .baseline
      }
      guard !missing.isEmpty else { return }
      guard context.view.volume == nil else {
        return context.log.write(
          .info, "demo", "no version is trained for \(context.view): its prices are not recorded")
      }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try train(missing)
    } catch {
      guard !isStopping.load(ordering: .relaxed), !context.isStopRequested else { return }
      context.log.write(.error, "demo", "no version was trained, the baseline goes on: \(error)")
    }
  }

  private func train(_ targets: [PredictionTarget]) throws {
    let store = StoreLocation.duckDB(path: folder + "/history.duckdb")
    let common = [
      "--store", store.description, "--venue", context.view.price.venue.name, "--symbol",
      context.view.price.symbol.name, "--quiet",
    ]
    try candlecast(["import", data, "--no-pin"] + common)
    guard let last = try store.open(.readOnly).summary(of: context.view.price)?.lastOpenTime else {
      throw CommandError(.badData, "\(data) has no candles")
    }
    // What streams is what the version is shown on, so it has not seen it.
    let end = last.adding(minutes: 1).adding(microseconds: -streamedMicroseconds)
    for target in targets {
      context.log.write(.info, "demo", "training \(target) in the background; the baseline answers meanwhile")
      try candlecast(
        ["train", "--target", target.description, "--to", end.description, "--models", context.modelsFolder] + common)
    }
  }

  private func candlecast(_ arguments: [String]) throws {
    var child = ChildProcess(
      executable: context.installation.program, arguments: arguments, environment: context.childEnvironment)
    child.endsWithUs = true
    var lastError = ""
    let outcome = try child.run(shouldStop: { isStopping.load(ordering: .relaxed) }) { stream, line in
      if stream == .error { lastError = line }
    }
    guard outcome.ending == .exited(0) else {
      throw CommandError(.failed, "`candlecast \(arguments[0])` failed (\(outcome.ending)): \(lastError)")
    }
  }
}

extension CommandContext {
  /// Of a child that logs where this demonstration does.
  var childEnvironment: [String: String] {
    let name = KnobTable.all.first { $0.key == "log.directory" }?.environmentName
    return name.map { environment.merging([$0: logFolder]) { $1 } } ?? environment
  }
}
