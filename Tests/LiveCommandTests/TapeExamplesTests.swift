import Dataset
import FoundationEssentials
import Glibc
import Ingestion
import Market
import Models
import Operations
import Storage
import TestSupport
import Testing

@testable import candlecast

/// From a tape to what the trainer reads.
struct TapeExamplesTests {
  private static let series = Series("sim-binance:BTCUSDT")!

  private func dataset(_ context: CommandContext, _ desk: Desk, range: Range<Timestamp> = .all) throws -> TickDataset {
    let job = TrainingJob(context: context, range: range, asOf: nil, isFull: false, refits: false)
    let source = TapeSource(path: desk.folder.path + "/tape", history: .duckDB(path: desk.storePath))
    let (entry, counts) = try job.makeDataset(from: source)
    let dataset = try TickDataset(path: entry.path)
    #expect(dataset.header == counts)
    return dataset
  }

  /// What the tape gives once a run has been added to it.
  private func recorded(_ context: CommandContext, _ desk: Desk) async throws -> TickDataset {
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = false
    // Two of each moment.
    _ = try await Watch.run(context, options) { ($0.current?.predictions["untrained"] ?? 0) > 400 }
    return try await Watch.whenReleased { try dataset(context, desk) }
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `the points of a tape are those that live predicted on, with what the price did after`() async throws {
    // So far apart that a busy machine passes none of its moments over.
    let knobs = ["ingest.limit": "150", "inference.interval_seconds": "6"]
    let desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    let context = try desk.context()
    // Where a busy machine leaves minutes out, points are not whole for hours.
    var dataset = try await recorded(context, desk)
    while dataset.rowCount <= 20 { dataset = try await recorded(context, desk) }
    let store = try await Watch.whenReleased { try DuckDBStore(path: desk.storePath, mode: .readOnly) }
    let target = PredictionTarget.move(horizonSeconds: 60)
    let live = try store.predictions(PredictionFilter(target: target)).filter { $0.modelName == .baseline }
    let prices = Dictionary(live.map { ($0.time, $0.forecast?.current) }) { first, _ in first }
    #expect(dataset.header.isSynthetic && dataset.header.points > 100, "\(dataset.header)")
    var compared = 0
    for row in 0..<dataset.rowCount {
      let time = dataset.time(row)
      #expect(time.microseconds.isMultiple(of: 6_000_000))
      let now = try #require(prices[time] ?? nil)
      let label = dataset.labels[row]
      guard label.isFinite, let then = prices[time.adding(minutes: 1)] ?? nil else { continue }
      #expect(abs(label - 10_000 * log(then / now)) < 1e-6)
      compared += 1
    }
    #expect(compared > 5)

    let again = try await Watch.whenReleased { try self.dataset(context, desk) }
    #expect(again.digest == dataset.digest)
    let slower = try self.dataset(try desk.context(["inference.interval_seconds": "12"]), desk)
    #expect((0..<slower.rowCount).allSatisfy { slower.time($0).microseconds.isMultiple(of: 12_000_000) })
    #expect(slower.header.points < dataset.header.points && slower.header.intervalMilliseconds == 12_000)
    let part = try self.dataset(context, desk, range: dataset.time(10)..<dataset.time(15))
    #expect((0..<part.rowCount).map { part.time($0) } == (10..<15).map { dataset.time($0) })

    let other = try desk.context(["market.symbol": "ETHUSDT"])
    #expect(throws: CommandError.self) { try self.dataset(other, desk) }
  }

  @Test(arguments: ["2", "0.25"]) func `the trainer is told how much tape is needed`(hours: String) throws {
    let context = try Desk().context(["training.min_tape_hours": hours, "market.target": "move-60s"])
    let job = TrainingJob(context: context, range: .all, asOf: nil, isFull: true, refits: false)
    let plan = try job.plan(RegistrySlot(context.view, context.target))
    let json = try JSONDecoder().decode(JSONNode.self, from: Data(plan))
    #expect(json["minimumTapeHours"]?.number == Double(hours))
    #expect(json["target"]?.string == "move-60s")
  }

  @Test func `passes, batches and patience reach the one network there is between candles`() throws {
    let knobs = ["training.max_epochs": "3", "training.batch_size": "32", "market.target": "move-60s"]
    let context = try Desk().context(knobs)
    let job = TrainingJob(context: context, range: .all, asOf: nil, isFull: true, refits: false)
    let plan = try JSONDecoder().decode(
      JSONNode.self, from: Data(try job.plan(RegistrySlot(context.view, context.target))))
    #expect(plan["perceptron"]?["epochs"]?.number == 3 && plan["perceptron"]?["batch"]?.number == 32)
    #expect(plan["sequence"] == nil)
  }

  @Test(arguments: [
    (["train", "--recording", "tape"], "--recording is for move-60s"),
    (["train", "--target", "move-60s", "--as-of", "2024-03-01"], "--as-of says nothing of it"),
    (["predict", "--target", "move-60s"], "is predicted between them"),
  ])
  func `what does not go together is wrong usage`(words: [String], reason: String) throws {
    let desk = try Desk()
    nonisolated(unsafe) var said = ""
    let program = Program(environment: [:], output: { _ in }, error: { said += $0 })
    let places = ["--store", "duckdb:\(desk.storePath)", "--models", desk.folder.path + "/models"]
    #expect(program.run(words + places) == .wrongUsage)
    #expect(said.contains(reason))
  }
}
