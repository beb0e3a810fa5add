import FoundationEssentials
import Market
import Models
import Operations
import Storage
import Synchronization
import Testing

@testable import candlecast

/// Verbs over a small store in a folder of its own.
struct StoredDataTests: ~Copyable {
  private let folder = FileManager.default.temporaryDirectory.path + "/candlecast-audit-" + UUID().uuidString
  private static let time = RandomRecords.start.adding(minutes: 620)

  init() throws {
    let candles = try RandomRecords(corrections: false)(650, seed: 21).map(\.candle)
    var batches = [candles].makeIterator()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("log:\n  directory: \(folder)/logs\n".utf8).write(to: URL(filePath: folder + "/c.yaml"))
    let stamp = WriteStamp(
      knownAt: RandomRecords.start.adding(minutes: 2000), provenance: .archive,
      availability: .assumed(delayMicroseconds: 2_000_000))
    _ = try DuckDBStore(path: folder + "/s.duckdb").write(to: MadeVersion.view.price, stamp: stamp) { batches.next() }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func run(_ words: String...) -> (code: ExitCode, output: String, error: String) {
    let output = Mutex("")
    let error = Mutex("")
    let program = Program(
      environment: ProcessInfo.processInfo.environment,
      output: { text in output.withLock { $0 += text } }, error: { text in error.withLock { $0 += text } })
    let common = [
      "--store", "duckdb:\(folder)/s.duckdb", "--models", folder + "/models", "--config", folder + "/c.yaml",
    ]
    let code = program.run(words + common)
    return (code, output.withLock { $0 }, error.withLock { $0 })
  }

  private func register(_ target: PredictionTarget, trainedUntil: Timestamp = RandomRecords.start) throws {
    let staged = folder + "/models/.training-1/made-\(target)"
    try FileManager.default.createDirectory(
      atPath: folder + "/models/.training-1", withIntermediateDirectories: true)
    try MadeVersion(target: target, trainedUntil: trainedUntil).write(to: staged)
    try Registry(path: folder + "/models").register(staged: staged, at: Self.time, who: "test", why: "test")
  }

  private struct Explained: Decodable {
    struct Input: Decodable {
      let name: String
      let value: Double?
      let age_seconds: Double
    }
    struct Model: Decodable {
      let model: String
      let margin: Double?
      let probability_up: Double?
    }
    struct Parts: Decodable {
      let start: Double
      let margin: Double
      let inputs: [String: Double]
    }
    struct Stored: Decodable {
      let verdict: String
      let differences: [String]
    }
    let version: String?
    let baseline: Double?
    let inputs: [Input]
    let models: [Model]
    let contributions: [String: Parts]
    let stored: Stored
  }

  private func explained(_ text: String) throws -> Explained {
    try JSONDecoder().decode(Explained.self, from: Data(text.utf8))
  }

  @Test func `without a version the baseline is explained`() throws {
    let text = run("explain", "--at", "\(Self.time)")
    #expect(text.code == .done, "\(text.error)")
    #expect(text.output.contains("nothing stored to compare with") && text.output.contains("Baseline"))
    let explained = try explained(run("explain", "--at", "\(Self.time)", "--json").output)
    #expect(explained.version == nil && explained.baseline == 0.5 && explained.contributions.isEmpty)
    #expect(explained.inputs.allSatisfy { $0.age_seconds == -2 })
  }

  @Test(arguments: [PredictionTarget.direction(horizonMinutes: 15), .window(lengthMinutes: 15)])
  func `contributions sum to the margin, and a stored prediction has the same bits`(
    target: PredictionTarget
  ) throws {
    try register(target)
    let at = ["--at", "\(Self.time)"]
    #expect(run("predict", at[0], at[1], "--target", "\(target)").code == .done)
    let result = run("explain", at[0], at[1], "--target", "\(target)", "--json")
    let explained = try explained(result.output)
    #expect(explained.version == "made-\(target)")
    let parts = try #require(explained.contributions["ModelA"])
    let margin = try #require(explained.models.first { $0.model == "ModelA" }?.margin)
    #expect(abs(parts.inputs.values.reduce(parts.start, +) - margin) < 1e-6)
    #expect(parts.inputs.values.filter { $0 != 0 }.count >= 5)
    #expect(Set(explained.models.map(\.model)) == ["ModelA", "ModelB", "Ensemble", "Baseline"])
    #expect(explained.stored.verdict == "same bits", "\(explained.stored.differences)")
    #expect(run("explain", at[0], at[1], "--target", "\(target)").output.contains("same bits"))
  }

  @Test func `a stored prediction with other bits is named`() throws {
    try register(.direction(horizonMinutes: 15))
    _ = run("predict", "--at", "\(Self.time)")
    let path = folder + "/s.duckdb"
    let rows = try DuckDBStore(path: path).predictions()
    var wrong = try #require(rows.first { $0.modelName == .a })
    wrong.probabilityUp = wrong.probabilityUp?.nextUp
    wrong.mode = .live
    _ = try DuckDBStore(path: path).insert([wrong])
    let stored = try explained(run("explain", "--at", "\(Self.time)", "--json").output).stored
    #expect(stored.verdict == "differs")
    #expect(stored.differences.first?.hasPrefix("ModelA of live is 0.") == true)
  }

  @Test func `what abstains has inputs and neither margins nor contributions`() throws {
    try register(.direction(horizonMinutes: 15))
    let result = run("explain", "--at", "\(RandomRecords.start.adding(minutes: 1))", "--json")
    let explained = try explained(result.output)
    #expect(explained.models.map(\.model) == ["Ensemble"] && explained.contributions.isEmpty)
    #expect(explained.models.allSatisfy { $0.margin == nil && $0.probability_up == nil })
    #expect(explained.inputs.count > 60)
  }

  @Test func `a time without a decision is an error that says why`() {
    let late = run("explain", "--at", "2030-01-01")
    #expect(late.code == .badData)
    #expect(late.error.contains("no decision for direction-15m is made at 2030-01-01T00:00:00Z; candles of"))
  }

  @Test func `the store passes the leakage audit`() throws {
    try register(.direction(horizonMinutes: 15), trainedUntil: RandomRecords.start.adding(minutes: 450))
    let result = run("audit", "leakage")
    #expect(result.code == .done, "\(result.output) \(result.error)")
    #expect(result.output.contains("no leak") && result.output.contains("artefacts compared"))
  }

  @Test func `the store passes the parity audit with a version`() throws {
    let target = PredictionTarget.window(lengthMinutes: 15)
    try register(target)
    let result = run("audit", "parity", "--target", "\(target)", "--json")
    #expect(result.code == .done, "\(result.output) \(result.error)")
    struct Report: Decodable {
      struct Way: Decodable { let predictions: Int }
      let is_clean: Bool
      let version: String
      let ways: [Way]
    }
    let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    #expect(report.is_clean && report.version == "made-\(target)" && report.ways.count == 4)
    #expect(report.ways.dropLast().allSatisfy { $0.predictions > 500 })
  }

  @Test func `too short a stretch and a series without candles are errors`() {
    let short = run("audit", "parity", "--from", "\(RandomRecords.start.adding(minutes: 500))")
    #expect(short.code == .badData && short.error.contains("an audit needs 600"))
    let absent = run("audit", "leakage", "--symbol", "ETHUSDT")
    #expect(absent.code == .badData && absent.error.contains("has no candles of binance:ETHUSDT"))
  }
}
