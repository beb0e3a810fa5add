import Features
import Ingestion
import Market
import Models
import Operations
import Storage
import TestSupport

/// `candlecast run`, with and without versions to predict by, on the candles of a file but for their last day, which a
/// simulator streams.
enum RunBenchmarks {
  /// The word that makes `candlecast-bench` a program which does nothing but have a store open.
  static let bareWord = "--bare-store"

  static let all =
    rows(hasVersions: true, suffix: "") + rows(hasVersions: false, suffix: "_without_version") + [
      Benchmark("run.processor_share_at_real_time") { name, path in
        let seconds = 60
        let run = try PreparedRun(path, hasVersions: true)
        let share = try await run.processorShare(overSeconds: Double(seconds))
        return Measurement(name: name, unit: "%", n: seconds, figures: .value(share * 100))
      },
      Benchmark("run.resident_after_20_minutes", isLong: true) { name, path in
        let run = try PreparedRun(path, hasVersions: true)
        let memory = try await run.memory(afterSeconds: 20 * 60)
        return Measurement(name: name, unit: "MB", n: run.candles, figures: .value(memory.residentBytes / 1e6))
      },
    ]

  private static func rows(hasVersions: Bool, suffix: String) -> [Benchmark] {
    [
      Benchmark("run.resident" + suffix) { name, path in
        let memory = try await RunMemory.result(path, hasVersions: hasVersions)
        return Measurement(name: name, unit: "MB", n: memory.candles, figures: .value(memory.resident / 1e6))
      },
      Benchmark("run.private_above_bare_store" + suffix) { name, path in
        let memory = try await RunMemory.result(path, hasVersions: hasVersions)
        return Measurement(
          name: name, unit: "MB", n: memory.candles, figures: .value((memory.private - memory.bare) / 1e6))
      },
    ]
  }

  /// Opens a store, counts its rows and prints the private bytes of such a process.
  static func holdBareStore(_ path: String) throws {
    let store = try DuckDBStore(path: path, mode: .existing, memoryMegabytes: 64)
    let rows = try store.status().reduce(0) { $0 + $1.rows }
    Terminal.output.write("\(rows) \(ProcessFacts.privateBytes)\n")
  }
}

private actor RunMemory {
  struct Result: Sendable {
    /// Bytes, as the rest.
    var resident = 0.0
    var `private` = 0.0
    /// Private bytes of a process that only has the same file open.
    var bare = 0.0
    var candles = 0
  }

  private static let shared = RunMemory()

  private var running: [Bool: Task<Result, any Error>] = [:]

  static func result(_ path: String, hasVersions: Bool) async throws -> Result {
    try await shared.result(path, hasVersions)
  }

  private func result(_ path: String, _ hasVersions: Bool) async throws -> Result {
    let task = running[hasVersions] ?? Task { try await Self.measure(path, hasVersions: hasVersions) }
    running[hasVersions] = task
    return try await task.value
  }

  private static func measure(_ path: String, hasVersions: Bool) async throws -> Result {
    let run = try PreparedRun(path, hasVersions: hasVersions)
    var result = Result()
    result.candles = run.candles
    let bare = try await Sibling("candlecast-bench", [RunBenchmarks.bareWord, run.file]).firstLine()
    result.bare = bare.split(separator: " ").last.flatMap { Double($0) } ?? 0
    let memory = try await run.memory(afterSeconds: SimulatedRun.watchedSeconds)
    (result.resident, result.private) = (memory.residentBytes, memory.privateBytes)
    return result
  }
}

/// A store with the candles that come before the streamed day, and the versions to predict by.
private struct PreparedRun {
  /// The store.
  let file: String
  let candles: Int
  private let path: String
  private let folder: ScratchFolder
  private let models: String

  init(_ path: String, hasVersions: Bool) throws {
    self.path = path
    folder = try ScratchFolder()
    (file, models) = (folder.path + "/history.duckdb", folder.path + "/models")
    if hasVersions { try Self.register(in: models, stagedIn: folder) }
    candles = try Self.fill(file, from: path, in: folder)
  }

  func memory(afterSeconds seconds: Double) async throws -> SimulatedRun.Memory {
    try await SimulatedRun.memory(of: arguments, environment, streaming: path, in: folder, afterSeconds: seconds)
  }

  /// Of one core.
  func processorShare(overSeconds seconds: Double) async throws -> Double {
    try await SimulatedRun.processorShareAtRealTime(
      of: arguments, environment, streaming: path, in: folder, seconds: seconds)
  }

  private var arguments: [String] { ["run", "--store", "duckdb:" + file] }
  private var environment: [String: String] { ["CANDLECAST_MODELS": models] }

  /// Versions of the size of fitted ones: of a direction, of a window and of what is said between candles.
  private static func register(in models: String, stagedIn folder: ScratchFolder) throws {
    let view = MarketView(price: SimulatedRun.series)
    var staged = try [PredictionTarget.direction(horizonMinutes: 15), .window(lengthMinutes: 15)].map { target in
      try MadeVersion(
        target: target, name: "made-\(target)", view: view, columns: .candles, treeCount: 400, depth: 5
      ).write(in: folder.path)
    }
    let ticks = MadeTickVersion(
      view: view, inputsHash: TickInputs.hash.description, inputNames: TickInputs.names)
    staged.append(try ticks.write(in: folder.path))
    let registry = Registry(path: models)
    for version in staged {
      _ = try registry.register(staged: version, at: Timestamp(minute: 0), who: "bench", why: "memory")
    }
  }

  /// Returns the number of candles.
  private static func fill(_ file: String, from path: String, in folder: ScratchFolder) throws -> Int {
    let history = try SimulatedRun.history(of: path, in: folder)
    let store = try DuckDBStore(path: file)
    _ = try CandleImport(series: SimulatedRun.series, knownAt: history.end).run(history.table, into: store)
    return history.candles
  }
}
