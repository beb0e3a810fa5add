import FoundationEssentials
import Glibc
import Ingestion
import Market
import Storage
import TestSupport
import Transport

/// A simulator and, in folders of their own, the programs that are fed by it.
final class Rehearsal: Sendable {
  static let series = Series(Venue("sim-binance")!, .btcusdt)

  let folder: TemporaryFolder
  let simulator: RunningProgram
  let announcement: Announcement
  let http: HTTPClient

  /// What a simulator says of itself.
  struct Announcement: Decodable, Sendable {
    let port: Int
    let speed: Double
    let start: String
    let end: String
    let endpoints: [String: String]
  }

  /// - Parameters:
  ///   - candles: history and, in their last hours, what is streamed.
  ///   - arguments: more of `candlecast simulate`.
  init(
    _ candles: [Candle], speed: Int, streamedHours: Int, seed: UInt64 = 1, _ arguments: [String] = []
  ) async throws {
    folder = try TemporaryFolder()
    http = try HTTPClient()
    let data = try folder.write(Self.text(of: candles), to: "BTCUSDT_walk.csv")
    let simulator = try RunningProgram(
      arguments: [
        "simulate", "--data", data, "--port", "0", "--json", "--speed", "\(speed)x", "--seed", "\(seed)",
        "--stream-last", "\(streamedHours)h",
      ] + arguments, in: folder, name: "simulator")
    announcement = try await Wait.until("the simulator's announcement", simulator) {
      try? JSONDecoder().decode(Announcement.self, from: Data(simulator.output.utf8))
    }
    self.simulator = simulator
  }

  /// A walk with at most so many trades a minute; the fewer, the faster it can be played.
  static func candles(seed: UInt64 = 1, hours: Int, tradesAMinute: Int = 20) -> [Candle] {
    var random = SplitMix64(seed: seed)
    return RandomWalk()(seed: seed, count: hours * 60).map { candle in
      var candle = candle
      candle.trades = .random(in: 4...Int64(tradesAMinute), using: &random)
      return candle
    }
  }

  static func text(of candles: [Candle]) -> String {
    var text = "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote\n"
    for candle in candles {
      text += "\(candle.openTime.milliseconds),\(candle.open),\(candle.high),\(candle.low),\(candle.close),"
      text += "\(candle.volume!),\(candle.quoteVolume!),\(candle.trades!),"
      text += "\(candle.takerBuyBase!),\(candle.takerBuyQuote!)\n"
    }
    return text
  }

  /// The URL of a path of the simulator's own.
  func url(_ path: String) -> String { "http://127.0.0.1:\(announcement.port)\(path)" }

  func get(_ url: String) async throws -> HTTPAnswer {
    try await http.send(HTTPRequest(url: url, timeoutSeconds: Patience.seconds))
  }

  /// Starts the program in a folder, fed by the simulator.
  func candlecast(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:], name: String = "candlecast"
  ) throws -> RunningProgram {
    try RunningProgram(
      arguments: arguments, in: folder,
      environment: announcement.endpoints.merging(environment) { _, own in own }, name: name)
  }

  func live(
    in folder: TemporaryFolder, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> LiveProgram {
    let program = try candlecast(
      ["run", "--venue", "sim-binance", "--feeder-port", "0", "--gap-handler-port", "0"] + arguments, in: folder,
      environment: environment)
    return LiveProgram(program: program, http: http)
  }

  /// What a perfect reader has by now, from a minute on.
  func truth(from: Timestamp) async throws -> [Candle] {
    let answer = try await get(url("/sim/truth?symbol=BTCUSDT&venue=binance&from=\(from)"))
    guard answer.status == 200 else {
      throw RunningProgram.NotInTime(description: "/sim/truth answers with \(answer.status)")
    }
    let scratch = try TemporaryFolder()
    let path = try scratch.write(answer.body, to: "truth.csv")
    let store = try DuckDBStore(path: scratch.file("truth.duckdb"))
    _ = try CandleImport(series: Self.series, knownAt: .distantFuture).run(path, into: store)
    return try store.candles(Self.series).map(\.candle)
  }
}

/// `candlecast run` with its pages.
struct LiveProgram: Sendable {
  let program: RunningProgram
  let http: HTTPClient

  struct Health: Decodable, Sendable {
    let status: String
    let candles_processed: Int
    let database_connected: Bool
    let websocket_connected: Bool
    let last_candle_time: String?
    let memory_mb: Double?
  }

  /// `nil` before they are printed.
  var ports: (feeder: Int, gapHandler: Int)? {
    for line in program.output.split(separator: "\n") where line.hasPrefix("health on port ") {
      let numbers = line.split { !$0.isNumber }.compactMap { Int($0) }
      if numbers.count == 2 { return (numbers[0], numbers[1]) }
    }
    return nil
  }

  /// `nil` as long as it does not answer.
  func health() async throws -> Health? {
    guard let port = ports?.feeder else {
      if let ending = program.ending {
        throw RunningProgram.NotInTime(description: "run ended with \(ending): \(program.error.suffix(2000))")
      }
      return nil
    }
    guard
      let answer = try? await http.send(
        HTTPRequest(url: "http://127.0.0.1:\(port)/health", timeoutSeconds: Patience.seconds)),
      answer.status == 200
    else { return nil }
    return try JSONDecoder().decode(Health.self, from: Data(answer.body))
  }

  /// Sums of the metrics' samples by name; empty as long as it does not answer.
  func metrics() async throws -> [String: Double] {
    guard let port = ports?.gapHandler,
      let answer = try? await http.send(
        HTTPRequest(url: "http://127.0.0.1:\(port)/metrics", timeoutSeconds: Patience.seconds))
    else { return [:] }
    var sums: [String: Double] = [:]
    for line in String(decoding: answer.body, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
      let name = String(line.prefix { $0 != "{" && $0 != " " })
      guard let value = line.split(separator: " ").last.flatMap({ Double($0) }) else { continue }
      sums[name, default: 0] += value
    }
    return sums
  }

  /// Health answers, and sockets bring data.
  func isReady() async throws -> Bool { try await health()?.websocket_connected == true }

  /// Nothing is missing any more.
  func hasCaughtUp() async throws -> Bool {
    guard try await isReady() else { return false }
    let metrics = try await metrics()
    return metrics["candlecast_gaps_open"] == 0 && metrics["candlecast_backfill_waiting"] == 0
  }

  func untilReady() async throws {
    _ = try await Wait.until("readiness", program) { try await isReady() ? true : nil }
  }

  func untilCaughtUp() async throws {
    _ = try await Wait.until("catching up", program) { try await hasCaughtUp() ? true : nil }
  }

  struct Stop {
    let ending: RunningProgram.Ending
    let seconds: Double

    /// Long after it should have ended on a busy machine, and long before anything it might wait for gives up.
    var isPrompt: Bool { seconds < 20 }
  }

  /// Asks it to end as `kill` does.
  func stop(_ signal: Int32 = SIGTERM) async throws -> Stop {
    let start = ContinuousClock.now
    program.send(signal)
    let ending = try await program.end()
    return Stop(ending: ending, seconds: (ContinuousClock.now - start) / .seconds(1))
  }
}

extension TemporaryFolder {
  var storePath: String { file("feature_store/bitcoin.duckdb") }

  func store() throws -> DuckDBStore { try DuckDBStore(path: storePath, mode: .readOnly) }
}
