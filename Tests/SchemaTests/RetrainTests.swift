import Ingestion
import Market
import Models
import Operations
import Platform
import TestSupport
import Testing

@testable import Storage
@testable import candlecast

/// The training of a running service, with the program that trains.
struct RetrainTests {
  enum Place: CaseIterable, Sendable { case file, server }

  private static let now = Timestamp("2026-11-21T02:01:00Z")!
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// - Parameter store: with little to learn from, and as little as possible is made of it.
  private func context(_ store: String, _ log: Log) throws -> CommandContext {
    let knobs = [
      "store": store, "models": folder.file("models"), "log.directory": folder.file("logs"), "data.cleanup": "on",
      "schedule.retrain": "true", "schedule.parity_share": "0", "backup.every_hours": "0", "training.max_epochs": "1",
    ]
    var input = Configuration.Input()
    input.flags = knobs.map { Configuration.Flag(key: $0.key, name: "--test", text: $0.value) }
    return CommandContext(
      configuration: try Configuration(input), log: log, output: Output(isJSON: false, isQuiet: true) { _ in },
      installation: Installation(environment: [:]))
  }

  private func fill(_ store: any Store) throws {
    try store.write(TestedCandles.walk(seed: 3, count: 3000, endingAt: Self.now))
    // The cleanup takes these, and the training comes after it.
    try store.write(TestedCandles.walk(seed: 4, count: 10, endingAt: Self.now.adding(minutes: -400 * 1440)))
    for job in ["cleanup", "retrain"] { try store.setMeta("schedule.\(job)", "2026-11-20T02:00:00Z") }
    try store.setMeta("schedule.accuracy", "2026-11-20T03:00:00Z")
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))), arguments: Place.allCases)
  func `a training waits for the cleanup, registers a version, and tells what the gate says of it`(
    place: Place
  ) async throws {
    let lines = LogLines()
    let address =
      switch place {
      case .file: "duckdb:" + folder.file("s.duckdb")
      case .server: try PostgresServer.shared().makeSchema()
      }
    let context = try context(address, lines.log())
    try fill(try context.openForWriting())
    let writer = try LiveWriter { () throws(StoreError) in try context.open(.existing) }
    let clock = PipelineClock(origin: Self.now, at: SystemClock.wallNanoseconds(), speed: 1)
    let upkeep = Upkeep(context: context, writer: writer, clock: clock)
    let running = Task { await upkeep.run() }
    for await line in lines.stream where line.contains("schedule: retrain") { break }
    running.cancel()
    await running.value
    try await writer.close()

    let told = lines.all.filter { $0.contains("schedule: ") }
    try #require(told.count == 2, "\(lines.all)")
    #expect(told[0].contains("cleanup: 10 candles"), "\(told)")
    let name = try #require(
      try context.registry.state().version(.latest, RegistrySlot(context.view, context.target)), "\(told)")
    let card = try context.registry.directory(of: name).card()
    #expect(told[1].contains("retrain: registered \(name); \(card.gate.reason)"), "\(told)")
    #expect(card.dataset.from >= Self.now.adding(minutes: -3000) && card.dataset.to <= Self.now)

    let store = try context.openForReading()
    #expect(try store.meta("schedule.retrain")?.hasPrefix("2026-11-21T02:0") == true)
    #expect(try store.count("training_metadata WHERE version = '\(name)'") == 5)
    #expect(try store.count("model_registry WHERE status = 'production'") == 0)
    // Nobody but the gate and an operator makes it answer.
    let promotion = Result { () throws(RegistryError) in
      try context.registry.promote(name, at: Self.now, who: "test", why: "a test")
    }
    #expect(((try? promotion.get()) != nil) == card.gate.isPassed)
  }
}

extension Store {
  fileprivate func count(_ rows: String) throws -> Int64? {
    let sql = "SELECT count(*) FROM \(rows)"
    switch self {
    case let store as DuckDBStore: return try store.session.query(sql).number()
    case let store as PostgresStore: return try store.pool.withConnection { try $0.query(sql).optionalInteger(0, 0) }
    default: preconditionFailure("a store of an unknown kind")
    }
  }
}
