import FoundationEssentials
import Glibc
import Market
import Storage
import TestSupport
import Testing
import Transport

/// How the real program starts, ends, and tells what is in its way.
@Suite(.serialized) struct LifeTests {
  @Test(arguments: [SIGTERM, SIGINT])
  func `asked to stop it ends promptly and loses nothing`(signal: Int32) async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 600, streamedHours: 12)
    let folder = try TemporaryFolder()
    let live = try rehearsal.live(in: folder)
    try await live.untilCaughtUp()
    _ = try await Wait.until("candles of the stream", live.program) {
      try await live.metrics()["candlecast_candles_total"].flatMap { $0 > 1010 ? true : nil }
    }
    let stopped = try await live.stop(signal)
    #expect(stopped.ending == .exited(0), "\(live.program.error)")
    #expect(stopped.isPrompt)
    let store = try folder.store()
    let summary = try #require(try store.summary(of: Rehearsal.series))
    try expectWhole(
      store, Rehearsal.series, truth: try await rehearsal.truth(from: summary.firstOpenTime))
    #expect(live.program.output.contains("\(summary.rows / 1000),\(String(summary.rows + 1000).suffix(3)) candles new"))
  }

  @Test func `a taken port is named and nothing is begun`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 60, streamedHours: 12)
    let live = try rehearsal.live(in: try TemporaryFolder())
    try await live.untilReady()
    let port = try #require(live.ports?.feeder)
    for option in ["--feeder-port", "--gap-handler-port"] {
      let folder = try TemporaryFolder()
      let second = try rehearsal.candlecast(
        ["run", "--venue", "sim-binance", "--feeder-port", "0", "--gap-handler-port", "0", option, "\(port)"]
          .droppingRepeated(option), in: folder)
      #expect(try await second.end() == .exited(4))
      #expect(second.error.contains("\(port)"), "\(second.error)")
    }
  }

  @Test func `other commands read the store meanwhile, and who would write to it is told who has it`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 600, streamedHours: 12)
    let folder = try TemporaryFolder()
    let live = try rehearsal.live(in: folder)
    try await live.untilCaughtUp()
    let view = ["--view", "sim-binance:BTCUSDT"]
    for (index, words) in [
      ["status"], ["gaps", "--venue", "sim-binance"], ["doctor"], ["features", "--out", "features.csv"] + view,
      ["db", "status"], ["db", "check"], ["db", "backup", "store.backup"],
      ["db", "copy", "duckdb:feature_store/bitcoin.duckdb", "duckdb:copy.duckdb"],
    ].enumerated() {
      let other = try rehearsal.candlecast(words, in: folder, name: "reader-\(index)")
      #expect(try await other.end() == .exited(0), "\(words): \(other.error)")
    }
    var rows = 0
    for round in 1...10 {
      let other = try rehearsal.candlecast(
        ["export", "candles", "--out", "\(round).csv"] + view, in: folder, name: "export-\(round)")
      #expect(try await other.end() == .exited(0), "\(other.error)")
      let text = try String(contentsOfFile: folder.file("\(round).csv"), encoding: .utf8)
      let seen = text.split(separator: "\n").count - 1
      #expect(seen >= rows)
      rows = seen
    }
    #expect(rows > 900)

    let data = rehearsal.folder.file("BTCUSDT_walk.csv")
    for words in [["import", data], ["ingest", "--venue", "sim-binance"], ["predict"] + view, ["db", "migrate"]] {
      let other = try rehearsal.candlecast(words, in: folder, name: words[0])
      #expect(try await other.end() == .exited(4), "\(words): \(other.output)")
      #expect(other.error.contains("is in use by"), "\(other.error)")
      #expect(other.error.contains("\(live.program.process)"), "\(other.error)")
    }
    #expect(try await live.stop().ending == .exited(0))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("feature_store"))
    #expect(!files.contains { $0.contains(".copy-") }, "\(files)")
    let store = try folder.store()
    let first = try #require(try store.summary(of: Rehearsal.series)).firstOpenTime
    try expectWhole(store, Rehearsal.series, truth: try await rehearsal.truth(from: first))
  }

  @Test func `without a network it stays up, says so and tries again`() async throws {
    let folder = try TemporaryFolder()
    let nowhere = "127.0.0.1:1"
    let program = try RunningProgram(
      arguments: ["run", "--feeder-port", "0", "--gap-handler-port", "0"], in: folder,
      environment: ["BINANCE_API_URL": "http://\(nowhere)", "BINANCE_STREAM_URL": "ws://\(nowhere)"])
    let live = LiveProgram(program: program, http: try HTTPClient())
    let health = try await Wait.until("a health page", program) { try await live.health() }
    #expect(health.status == "degraded")
    #expect(!health.websocket_connected)
    _ = try await Wait.until("another attempt", program) {
      let metrics = try await live.metrics()
      guard let connects = metrics["candlecast_connects_total"], connects >= 3 else { return nil as Bool? }
      return metrics["candlecast_failed_requests_total"].map { $0 >= 2 }
    }
    #expect(program.ending == nil)
    let stopped = try await live.stop()
    #expect(stopped.ending == .exited(0), "\(program.error)")
    #expect(stopped.isPrompt)
    for part in ["link: binance: socket 1 closed", "request: binance: no answer"] {
      #expect(program.error.contains(part), "\(program.error)")
    }
    #expect(program.error.contains(nowhere))
  }

  @Test func `a venue that accepts and then says nothing does not keep it from ending`() async throws {
    let port = try SilentPort()
    let program = try RunningProgram(
      arguments: ["run", "--feeder-port", "0", "--gap-handler-port", "0"], in: try TemporaryFolder(),
      environment: [
        "BINANCE_API_URL": "http://127.0.0.1:\(port.number)", "BINANCE_STREAM_URL": "ws://127.0.0.1:\(port.number)",
      ])
    let live = LiveProgram(program: program, http: try HTTPClient())
    _ = try await Wait.until("a health page", program) { try await live.health() }
    let stopped = try await live.stop()
    #expect(stopped.ending == .exited(0), "\(program.error)")
    #expect(stopped.isPrompt)
  }

  @Test func `a simulator that is not there is named`() async throws {
    let program = try RunningProgram(
      arguments: ["run", "--venue", "sim-binance", "--feeder-port", "0", "--gap-handler-port", "0"],
      in: try TemporaryFolder(), environment: ["BINANCE_API_URL": "http://127.0.0.1:1/binance"])
    #expect(try await program.end() == .exited(4))
    #expect(program.error.contains("no simulator answers at http://127.0.0.1:1/sim/clock"), "\(program.error)")
  }

  @Test func `a full disk loses nothing, and recording says that it has stopped`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 600, streamedHours: 12)
    let folder = try TemporaryFolder()
    guard try await SmallDisk.isPossible(in: folder) else {
      return print("no file system of its own can be made here, so no full disk was tried")
    }
    let live = try await SmallDisk.fill(under: rehearsal, in: folder)
    #expect(try await live.health()?.status == "unhealthy")
    _ = try folder.write("", to: "free")
    _ = try await Wait.until("storing again", live.program) {
      try await live.health().flatMap { $0.database_connected ? true : nil }
    }
    try await live.untilCaughtUp()
    #expect(try await live.health()?.status == "degraded")
    #expect(try await live.stop().ending == .exited(0), "\(live.program.error)")
    let store = try DuckDBStore(path: folder.file("kept/feature_store/bitcoin.duckdb"), mode: .readOnly)
    let first = try #require(try store.summary(of: Rehearsal.series)).firstOpenTime
    try expectWhole(store, Rehearsal.series, truth: try await rehearsal.truth(from: first))
  }

  @Test func `asked to stop while the disk is full it ends and says what was not stored`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 600, streamedHours: 12)
    let folder = try TemporaryFolder()
    guard try await SmallDisk.isPossible(in: folder) else {
      return print("no file system of its own can be made here, so no full disk was tried")
    }
    let live = try await SmallDisk.fill(under: rehearsal, in: folder)
    let stopped = try await live.stop()
    #expect(stopped.ending == .exited(1))
    #expect(stopped.isPrompt)
    #expect(live.program.error.contains("no room to write"), "\(live.program.error)")
  }
}

/// A port of this machine at which connections are taken and never read.
private final class SilentPort: Sendable {
  private let descriptor: Int32
  let number: UInt16

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    number = UInt16(bigEndian: address.sin_port)
    try #require(isBound)
  }

  deinit { close(descriptor) }
}

/// Whether a file system of its own can be made for a program.
enum SmallDisk {
  static func isPossible(in folder: TemporaryFolder) async throws -> Bool {
    let trial = try RunningProgram(
      "/usr/bin/unshare",
      arguments: ["-rm", "/bin/bash", "-c", "mkdir trial && mount -t tmpfs -o size=1m tmpfs trial"], in: folder,
      name: "trial")
    return try await trial.end() == .exited(0)
  }

  /// Runs on a disk of 8 MiB that is filled up once the program has caught up, until a commit and the recording have
  /// failed. A file `free` makes room again; what was stored is copied to `kept` at the end.
  static func fill(under rehearsal: Rehearsal, in folder: TemporaryFolder) async throws -> LiveProgram {
    let script = """
      mkdir small kept && mount -t tmpfs -o size=8m tmpfs small && cd small || exit 99
      "$@" & run=$!
      trap 'kill -TERM $run' TERM
      while [ ! -e ../fill ] && kill -0 $run; do sleep 0.02; done
      cat /dev/zero >ballast 2>/dev/null
      while [ ! -e ../free ] && kill -0 $run; do sleep 0.02; done
      rm ballast
      wait $run; code=$?
      while kill -0 $run 2>/dev/null; do wait $run; code=$?; done
      cp -r feature_store ../kept/
      exit $code
      """
    let program = try RunningProgram(
      "/usr/bin/unshare",
      arguments: [
        "-rm", "/bin/bash", "-c", script, "-", Programs.candlecast, "run", "--venue", "sim-binance", "--feeder-port",
        "0", "--gap-handler-port", "0",
      ], in: folder, environment: rehearsal.announcement.endpoints)
    let live = LiveProgram(program: program, http: rehearsal.http)
    try await live.untilCaughtUp()
    _ = try folder.write("", to: "fill")
    _ = try await Wait.until("the first refusals", program) {
      let metrics = try await live.metrics()
      guard metrics["candlecast_commit_failures_total"] ?? 0 > 0 else { return nil as Bool? }
      return metrics["candlecast_tape_dropped_total"].flatMap { $0 > 0 ? true : nil }
    }
    return live
  }
}

extension [String] {
  /// Without the earlier one of an option that is given twice.
  fileprivate func droppingRepeated(_ option: String) -> [String] {
    guard let first = firstIndex(of: option), lastIndex(of: option) != first else { return self }
    return Array(self[..<first] + self[(first + 2)...])
  }
}
