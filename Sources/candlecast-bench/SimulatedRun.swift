import FoundationEssentials
import Ingestion
import Market
import Platform
import Storage
import Transport

/// `candlecast run` on the last day of a file, which a simulator streams, sixty times as fast unless told otherwise.
enum SimulatedRun {
  struct Memory: Sendable {
    let residentBytes: Double
    let privateBytes: Double
  }

  /// What comes before the last day.
  struct History {
    /// A file of candles.
    let table: String
    let end: Timestamp
    let candles: Int
  }

  private static let streamedMinutes = 1440
  static let watchedSeconds = 45.0

  /// What the simulator's candles are stored as.
  static var series: Series {
    guard let venue = Venue("sim-binance") else { preconditionFailure("a venue's name") }
    return Series(venue, .btcusdt)
  }

  static func history(of path: String, in folder: ScratchFolder) throws -> History {
    let series = Series(.binance, .btcusdt)
    let scratch = try DuckDBStore(path: folder.path + "/all.duckdb")
    _ = try CandleImport(series: series, knownAt: Timestamp(minute: 0)).run(path, into: scratch)
    guard let summary = try scratch.summary(of: series) else { preconditionFailure("\(path) has no candles") }
    let end = summary.lastOpenTime.adding(minutes: 1 - streamedMinutes)
    let table = folder.path + "/history.csv"
    let count = try scratch.exportCandles(series, in: .distantPast..<end, asOf: .distantFuture, to: table)
    return History(table: table, end: end, candles: count)
  }

  /// What it holds after so many seconds, each a minute of the day.
  static func memory(
    of arguments: [String], _ environment: [String: String], streaming path: String, in folder: ScratchFolder,
    afterSeconds seconds: Double = watchedSeconds
  ) async throws -> Memory {
    try await watch(arguments, environment, streaming: path, in: folder) { _, ports in
      try await Task.sleep(for: .seconds(seconds))
      return try await memory(port: ports[1])
    }
  }

  /// How much of one core its process takes while the day is streamed as it was, for so many seconds from when it is ready.
  static func processorShareAtRealTime(
    of arguments: [String], _ environment: [String: String], streaming path: String, in folder: ScratchFolder,
    seconds: Double
  ) async throws -> Double {
    try await watch(arguments, environment, streaming: path, in: folder, speed: "1x") { run, ports in
      try await untilReady(port: ports[0])
      guard let process = run.process.map({ "\($0)" }) else { preconditionFailure("a program without a number") }
      let start = (at: SystemClock.monotonicNanoseconds(), processor: ProcessFacts.processorMicroseconds(of: process))
      try await Task.sleep(for: .seconds(seconds))
      let used = ProcessFacts.processorMicroseconds(of: process) - start.processor
      return used * 1000 / Double(SystemClock.monotonicNanoseconds() - start.at)
    }
  }

  private static func watch<Seen: Sendable>(
    _ arguments: [String], _ environment: [String: String], streaming path: String, in folder: ScratchFolder,
    speed: String = "60x", _ look: (_ run: Sibling, _ ports: [Int]) async throws -> Seen
  ) async throws -> Seen {
    let simulator = Sibling(
      "candlecast",
      [
        "simulate", "--data", path, "--symbol", "BTCUSDT", "--port", "0", "--json", "--speed", speed,
        "--original-time",
      ])
    defer { simulator.stop() }
    let announcement = try JSONDecoder().decode(Announcement.self, from: Data(try await simulator.firstLine().utf8))
    let places = [
      "CANDLECAST_TAPE_DIRECTORY": folder.path + "/tape", "CANDLECAST_LOG_DIRECTORY": folder.path + "/logs",
    ]
    let run = Sibling(
      "candlecast", arguments + ["--venue", "sim-binance", "--feeder-port", "0", "--gap-handler-port", "0"],
      announcement.endpoints.merging(places) { $1 }.merging(environment) { $1 })
    defer { run.stop() }
    let ports = try await run.line(startingWith: "health on port").split { !$0.isNumber }.compactMap { Int($0) }
    return try await look(run, ports)
  }

  private static func untilReady(port: Int) async throws {
    let client = try HTTPClient()
    let request = HTTPRequest(url: "http://127.0.0.1:\(port)/health/ready")
    for _ in 0..<600 {
      if try await client.send(request).status == 200 { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    preconditionFailure("a run that is not ready within a minute")
  }

  private static func memory(port: Int) async throws -> Memory {
    let page = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(port)/metrics"))
    let lines = String(decoding: page.body, as: UTF8.self).split(separator: "\n")
    func value(_ name: String) -> Double {
      let line = lines.first { $0.hasPrefix(name + " ") }
      return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }
    return Memory(
      residentBytes: value("candlecast_resident_memory_bytes"), privateBytes: value("candlecast_private_memory_bytes"))
  }

  private struct Announcement: Decodable { let endpoints: [String: String] }
}
