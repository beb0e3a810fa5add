import Ingestion
import Market
import Models
import Operations
import Storage
import TestSupport

/// `candlecast run`, with and without a version to predict by, on the candles of a file but for their last day, which a
/// simulator streams.
enum RunBenchmarks {
  /// The word that makes `candlecast-bench` a program which does nothing but have a store open.
  static let bareWord = "--bare-store"

  static let all = rows(hasVersion: true, suffix: "") + rows(hasVersion: false, suffix: "_without_version")

  private static func rows(hasVersion: Bool, suffix: String) -> [Benchmark] {
    [
      Benchmark("run.resident" + suffix) { name, path in
        let memory = try await RunMemory.result(path, hasVersion: hasVersion)
        return Measurement(name: name, unit: "MB", n: memory.candles, figures: .value(memory.resident / 1e6))
      },
      Benchmark("run.private_above_bare_store" + suffix) { name, path in
        let memory = try await RunMemory.result(path, hasVersion: hasVersion)
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

  static func result(_ path: String, hasVersion: Bool) async throws -> Result {
    try await shared.result(path, hasVersion)
  }

  private func result(_ path: String, _ hasVersion: Bool) async throws -> Result {
    let task = running[hasVersion] ?? Task { try await Self.measure(path, hasVersion: hasVersion) }
    running[hasVersion] = task
    return try await task.value
  }

  private static func measure(_ path: String, hasVersion: Bool) async throws -> Result {
    let folder = try ScratchFolder()
    var result = Result()
    let file = folder.path + "/history.duckdb"
    let models = folder.path + "/models"
    if hasVersion { try register(in: models, stagedIn: folder) }
    result.candles = try fill(file, from: path, in: folder)
    let bare = try await Sibling("candlecast-bench", [RunBenchmarks.bareWord, file]).firstLine()
    result.bare = bare.split(separator: " ").last.flatMap { Double($0) } ?? 0
    let memory = try await SimulatedRun.memory(
      of: ["run", "--store", "duckdb:" + file], ["CANDLECAST_MODELS": models], streaming: path, in: folder)
    (result.resident, result.private) = (memory.residentBytes, memory.privateBytes)
    return result
  }

  /// A version of a fitted one's size.
  private static func register(in models: String, stagedIn folder: ScratchFolder) throws {
    let made = MadeVersion(
      target: .direction(horizonMinutes: 15), view: MarketView(price: SimulatedRun.series), columns: .candles,
      treeCount: 400, depth: 5)
    _ = try Registry(path: models).register(
      staged: try made.write(in: folder.path), at: Timestamp(minute: 0), who: "bench", why: "memory")
  }

  /// Returns the number of candles.
  private static func fill(_ file: String, from path: String, in folder: ScratchFolder) throws -> Int {
    let history = try SimulatedRun.history(of: path, in: folder)
    let store = try DuckDBStore(path: file)
    _ = try CandleImport(series: SimulatedRun.series, knownAt: history.end).run(history.table, into: store)
    return history.candles
  }
}
