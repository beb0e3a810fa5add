import Features
import FoundationEssentials
import Glibc
import Market
import Models
import Storage
import TestSupport
import Testing
import Transport

/// `candlecast run --demo` from its start to its end.
@Suite(.serialized) struct DemoTests {
  private static let storePath = "feature_store/demo.duckdb"

  /// Candles, of which the last day streams, and versions; for a target without one a version is trained.
  private func folder(
    hours: Int = 48, versions: [String] = ["direction-15m", "window-15m"]
  ) throws -> (folder: TemporaryFolder, environment: [String: String]) {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("recorded"), withIntermediateDirectories: true)
    _ = try folder.write(
      Rehearsal.text(of: Rehearsal.candles(hours: hours, tradesAMinute: 5)), to: "recorded/BTCUSDT_walk.csv")
    for target in versions {
      try KillTests.register(in: folder, models: "models/demo", target: try #require(PredictionTarget(target)))
    }
    return (folder, ["CANDLECAST_DATA": folder.file("recorded")])
  }

  private func demo(
    _ arguments: [String], in place: (folder: TemporaryFolder, environment: [String: String])
  ) throws -> RunningProgram {
    try RunningProgram(
      arguments: ["run", "--demo", "--port", "0"] + arguments, in: place.folder, environment: place.environment,
      name: "demo")
  }

  private func port(_ program: RunningProgram) async throws -> Int {
    try await Wait.until("the port of the page", program) {
      program.output.split(separator: "\n").first { $0.hasPrefix("the page: ") }
        .flatMap { $0.split(separator: ":").last }.flatMap { Int($0.filter(\.isNumber)) }
    }
  }

  private func untilReady(_ program: RunningProgram) async throws {
    let (port, http) = (try await port(program), try HTTPClient())
    _ = try await Wait.until("readiness", program) {
      let answer = try? await http.send(
        HTTPRequest(url: "http://127.0.0.1:\(port)/health/ready", timeoutSeconds: Patience.seconds))
      return answer?.status == 200 ? true : nil
    }
  }

  private func children(of process: pid_t) -> [pid_t] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { pid_t($0) }.filter { child in
      let stat = FileManager.default.contents(atPath: "/proc/\(child)/stat").map { String(decoding: $0, as: UTF8.self) }
      let fields = stat?.split(separator: ")").last?.split(separator: " ") ?? []
      return fields.count > 1 && fields[0] != "Z" && pid_t(fields[1]) == process
    }
  }

  private func predictions(_ place: (folder: TemporaryFolder, environment: [String: String])) throws -> [Prediction] {
    try DuckDBStore(path: place.folder.file(Self.storePath), mode: .readOnly).predictions()
  }

  @Test func `the store begins anew, and the recorded day is played to its end`() async throws {
    let place = try folder()
    let first = try demo([], in: place)
    let log = place.folder.file("feature_store/demo-files/logs/inference.log")
    _ = try await Wait.until("predictions", first) {
      let lines = FileManager.default.contents(atPath: log)?.split(separator: 10) ?? []
      let closes = lines.map { String(decoding: $0, as: UTF8.self) }.filter { !$0.contains("window-open") }
      return closes.count { $0.contains("Ensemble") } > 3 ? true : nil
    }
    first.send(SIGTERM)
    #expect(try await first.end() == .exited(0), "\(first.error)")
    #expect(!first.output.contains("begins anew"))
    let before = try predictions(place)
    let minutes = before.filter { !$0.target.isOfTicks }
    // The closed form answers for a window that no version is registered for.
    #expect(Set(minutes.map(\.version)).subtracting([""]) == ["made-direction-15m", "made-window-15m"])

    let second = try demo(["--speed", "14400x"], in: place)
    #expect(try await second.end() == .exited(0), "\(second.error)")
    #expect(second.output.contains("begins anew"))
    #expect(second.output.contains("the recorded day is over"), "\(second.output)")
    let store = try DuckDBStore(path: place.folder.file(Self.storePath), mode: .readOnly)
    #expect(try store.status().map(\.series) == [Rehearsal.series])
    #expect(try store.predictions().allSatisfy { !before.contains($0) })
    // Nothing of it stands where real things do.
    for real in ["feature_store/bitcoin.duckdb", "feature_store/tape", "models/registry.json", "logs"] {
      #expect(!FileManager.default.fileExists(atPath: place.folder.file(real)), "\(real)")
    }
  }

  @Test func `the baseline answers until a version is trained, and then that version`() async throws {
    let place = try folder(hours: 72, versions: ["window-15m"])
    let target = try #require(PredictionTarget("direction-15m"))
    let program = try demo([], in: place)
    try await untilReady(program)
    let registry = Registry(path: place.folder.file("models/demo"))
    let slot = RegistrySlot(MarketView(price: Rehearsal.series), target)
    let trained = try await Wait.until("a version", program) {
      try registry.state().version(.latest, slot)?.description
    }
    let (port, http) = (try await port(program), try HTTPClient())
    let newest = HTTPRequest(
      url: "http://127.0.0.1:\(port)/v1/predictions?target=\(target)&limit=1", timeoutSeconds: Patience.seconds)
    _ = try await Wait.until("what it says", program) {
      try await String(decoding: http.send(newest).body, as: UTF8.self).contains(trained) ? true : nil
    }
    program.send(SIGTERM)
    #expect(try await program.end() == .exited(0), "\(program.error)")
    let said = try predictions(place).filter { $0.target == target }
    let firstOfIts = try #require(said.filter { $0.version == trained }.map(\.time).min())
    let (before, after) = (said.filter { $0.time < firstOfIts }, said.filter { $0.time >= firstOfIts })
    #expect(!before.isEmpty && before.allSatisfy { $0.modelName == .baseline && $0.version.isEmpty })
    #expect(after.allSatisfy { $0.version == trained })
  }

  @Test func `its simulator ends with it, however it ends`() async throws {
    let place = try folder()
    for signal in [SIGTERM, SIGKILL] {
      let program = try demo([], in: place)
      try await untilReady(program)
      let child = try #require(children(of: program.process).first)
      program.send(signal)
      let ending = try await program.end()
      #expect(ending == (signal == SIGTERM ? .exited(0) : .killed(signal)), "\(program.error)")
      _ = try await Wait.until("the end of the simulator", program) { kill(child, 0) != 0 ? true : nil }
    }
  }

  @Test func `a simulator that ends early is named`() async throws {
    let place = try folder()
    let program = try demo([], in: place)
    try await untilReady(program)
    kill(try #require(children(of: program.process).first), SIGKILL)
    #expect(try await program.end() == .exited(1))
    #expect(program.error.contains("the simulator ended before its data did: ended by signal 9"), "\(program.error)")
  }

  @Test func `without recorded candles it says where they may be`() async throws {
    let folder = try TemporaryFolder()
    let program = try demo([], in: (folder, ["CANDLECAST_DATA": folder.path]))
    #expect(try await program.end() == .exited(4))
    #expect(program.error.contains("no recorded candles of BTCUSDT") && program.error.contains(folder.path))
  }

  @Test func `a store with real candles is not begun anew`() async throws {
    let place = try folder()
    let path = place.folder.file("real.duckdb")
    let imported = try RunningProgram(
      arguments: ["import", place.folder.file("recorded/BTCUSDT_walk.csv"), "--store", "duckdb:\(path)"],
      in: place.folder, name: "import")
    #expect(try await imported.end() == .exited(0), "\(imported.error)")
    let program = try demo(["--store", "duckdb:\(path)"], in: place)
    #expect(try await program.end() == .exited(2))
    #expect(program.error.contains("holds candles of binance:BTCUSDT"), "\(program.error)")
    #expect(try DuckDBStore(path: path, mode: .readOnly).status().count == 1)
  }

  @Test func `a store that another demonstration has is not begun anew`() async throws {
    let place = try folder()
    let running = try demo([], in: place)
    try await untilReady(running)
    let other = try RunningProgram(
      arguments: ["run", "--demo", "--port", "0"], in: place.folder, environment: place.environment, name: "other")
    #expect(try await other.end() == .exited(4))
    #expect(other.error.contains("is in use by") && other.error.contains("\(running.process)"), "\(other.error)")
    #expect(running.ending == nil)
    let status = try RunningProgram(
      arguments: ["status", "--store", "duckdb:\(Self.storePath)"], in: place.folder, name: "status")
    #expect(try await status.end() == .exited(0), "\(status.error)")
  }

  @Test func `a taken port is found before the old store goes`() async throws {
    let place = try folder()
    let running = try demo([], in: place)
    try await untilReady(running)
    let port = try await port(running)
    let other = try RunningProgram(
      arguments: ["run", "--demo", "--port", "\(port)", "--store", "duckdb:other.duckdb"], in: place.folder,
      environment: place.environment, name: "other")
    #expect(try await other.end() == .exited(4))
    #expect(other.error.contains("127.0.0.1:\(port)"), "\(other.error)")
    #expect(!FileManager.default.fileExists(atPath: place.folder.file("other.duckdb")))
  }
}
