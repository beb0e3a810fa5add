import Dispatch
import FoundationEssentials
import Glibc
import Ingestion
import Market
import Models
import Operations
import Storage
import Synchronization
import TestSupport
import Transport

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
  private static let streamedMinutes = 1440
  private static let watchedSeconds = 45.0

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
    let simulator = Sibling(
      "candlecast",
      [
        "simulate", "--data", path, "--symbol", "BTCUSDT", "--port", "0", "--json", "--speed", "300x",
        "--original-time",
      ])
    defer { simulator.stop() }
    let announcement = try JSONDecoder().decode(Announcement.self, from: Data(try await simulator.firstLine().utf8))
    let run = Sibling(
      "candlecast",
      ["run", "--venue", "sim-binance", "--store", "duckdb:" + file, "--feeder-port", "0", "--gap-handler-port", "0"],
      announcement.endpoints.merging([
        "CANDLECAST_TAPE_DIRECTORY": folder.path + "/tape", "CANDLECAST_LOG_DIRECTORY": folder.path + "/logs",
        "CANDLECAST_MODELS": models,
      ]) { _, own in own })
    defer { run.stop() }
    let ports = try await run.firstLine().split { !$0.isNumber }.compactMap { Int($0) }
    try await Task.sleep(for: .seconds(watchedSeconds))
    let page = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(ports[1])/metrics"))
    for line in String(decoding: page.body, as: UTF8.self).split(separator: "\n") {
      let value = line.split(separator: " ").last.flatMap { Double($0) } ?? 0
      if line.hasPrefix("candlecast_resident_memory_bytes ") { result.resident = value }
      if line.hasPrefix("candlecast_private_memory_bytes ") { result.private = value }
    }
    return result
  }

  private struct Announcement: Decodable { let endpoints: [String: String] }

  /// A version of a fitted one's size.
  private static func register(in models: String, stagedIn folder: ScratchFolder) throws {
    let made = MadeVersion(
      target: .direction(horizonMinutes: 15), view: MarketView(price: simulated()), columns: .candles,
      treeCount: 400, depth: 5)
    _ = try Registry(path: models).register(
      staged: try made.write(in: folder.path), at: Timestamp(minute: 0), who: "bench", why: "memory")
  }

  private static func simulated() -> Series {
    guard let venue = Venue("sim-binance") else { preconditionFailure("a venue's name") }
    return Series(venue, .btcusdt)
  }

  /// Returns the number of candles.
  private static func fill(_ file: String, from path: String, in folder: ScratchFolder) throws -> Int {
    let series = Series(.binance, .btcusdt)
    let scratch = try DuckDBStore(path: folder.path + "/all.duckdb")
    _ = try CandleImport(series: series, knownAt: Timestamp(minute: 0)).run(path, into: scratch)
    guard let summary = try scratch.summary(of: series) else {
      preconditionFailure("\(path) has no candles")
    }
    let split = summary.lastOpenTime.adding(minutes: 1 - streamedMinutes)
    let table = folder.path + "/history.csv"
    let count = try scratch.exportCandles(series, in: .distantPast..<split, asOf: .distantFuture, to: table)
    let store = try DuckDBStore(path: file)
    _ = try CandleImport(series: simulated(), knownAt: split).run(table, into: store)
    return count
  }
}

/// An executable of the same build while it runs.
private final class Sibling: Sendable {
  private struct State {
    var lines: [String] = []
    var isStopped = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let ended = DispatchSemaphore(value: 0)

  init(_ name: String, _ arguments: [String], _ environment: [String: String] = [:]) {
    let own = CommandLine.arguments[0]
    let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
    let child = ChildProcess(
      executable: folder + "/" + name, arguments: arguments,
      environment: ProcessInfo.processInfo.environment.merging(environment) { _, new in new })
    DispatchQueue.global().async { [self] in
      _ = try? child.run(shouldStop: { self.state.withLock(\.isStopped) }) { stream, line in
        if stream == .output { self.state.withLock { $0.lines.append(line) } }
      }
      state.withLock { $0.hasEnded = true }
      ended.signal()
    }
  }

  func firstLine() async throws -> String {
    while true {
      let (line, hasEnded) = state.withLock { ($0.lines.first, $0.hasEnded) }
      if let line { return line }
      precondition(!hasEnded, "a program ended without a word")
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    ended.wait()
  }
}
