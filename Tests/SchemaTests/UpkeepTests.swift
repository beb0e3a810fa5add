import FoundationEssentials
import Ingestion
import Market
import Models
import Operations
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Storage
@testable import candlecast

/// What a running service and the commands do about age and accuracy.
struct UpkeepTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func context(_ knobs: [String: String] = [:], log: Log = .silent) throws -> CommandContext {
    var input = Configuration.Input()
    let places = [
      "store": "duckdb:\(folder.file("s.duckdb"))", "models": folder.file("models"),
      "log.directory": folder.file("logs"),
    ]
    input.flags = places.merging(knobs) { $1 }.map { Configuration.Flag(key: $0.key, name: "--test", text: $0.value) }
    return CommandContext(
      configuration: try Configuration(input), log: log, output: Output(isJSON: false, isQuiet: true) { _ in },
      installation: Installation(environment: [:]))
  }

  // MARK: Jobs

  private func jobs(_ knobs: [String: String] = [:]) throws -> [Scheduler.Job] { try Upkeep.jobs(try context(knobs)) }

  @Test func `jobs are at the times of their knobs, the cleanup where it is wanted`() throws {
    #expect(try jobs().map(\.name) == ["accuracy", "parity", "backup"])
    #expect(try jobs()[2].rhythm == .every(minutes: 360))
    #expect(try jobs(["backup.every_hours": "2"])[2].rhythm == .every(minutes: 120))
    #expect(try jobs(["backup.every_hours": "0"]).map(\.name) == ["accuracy", "parity"])
    #expect(try jobs(["schedule.parity_share": "0"]).map(\.name) == ["accuracy", "backup"])
    #expect(try jobs()[0].rhythm == .daily(minute: 180))
    #expect(try jobs(["schedule.accuracy_at": "04:30"])[0].rhythm == .daily(minute: 270))
    let both = try jobs(["data.cleanup": "on"])
    #expect(both.map(\.name) == ["cleanup", "accuracy", "parity", "backup"])
    #expect(both[0].rhythm == .daily(minute: 120))
    #expect(both.map(\.lane) == ["upkeep", "upkeep", "upkeep", "upkeep"])
    #expect(try jobs(["data.cleanup": "on", "schedule.cleanup_at": "23:59"])[0].rhythm == .daily(minute: 1439))
    let server = "postgres://nobody@localhost:1/none"
    #expect(try jobs(["store": server]).map(\.name) == ["cleanup", "accuracy", "parity", "backup"])
    #expect(try jobs(["store": server, "data.cleanup": "off"]).map(\.name) == ["accuracy", "parity", "backup"])
  }

  @Test func `each retention is a knob`() throws {
    let knobs = [
      "data.retention_candles_days": "10", "data.retention_predictions_days": "9", "data.retention_features_days": "8",
      "data.retention_days": "7",
    ]
    let policy = RetentionPolicy(try context(knobs).configuration)
    #expect(policy == RetentionPolicy(candlesDays: 10, predictionsDays: 9, featuresDays: 8, restDays: 7))
    #expect(RetentionPolicy(try context().configuration) == RetentionPolicy())
  }

  @Test
  func `a service runs its jobs one after the other when their times come, and remembers`() async throws {
    let lines = LogLines()
    let knobs = ["data.cleanup": "on", "data.retention_days": "1", "schedule.accuracy_at": "02:00"]
    let context = try context(knobs, log: lines.log())
    let now = Timestamp("2026-11-21T01:59:59Z")!
    do {
      var batch = LiveBatch(knownAt: now)
      batch.log = [
        SystemLogRow(time: now.adding(minutes: -5000), category: "feed", level: "info", message: "old"),
        SystemLogRow(time: now, category: "feed", level: "info", message: "new"),
      ]
      let store = try context.openForWriting()
      try store.commit(batch)
      // They are due at two, or when somebody looks later.
      for job in ["cleanup", "accuracy"] { try store.setMeta("schedule.\(job)", "2026-11-20T02:00:00Z") }
      try store.setMeta("schedule.parity", "2026-11-20T03:30:00Z")
    }
    let path = folder.file("s.duckdb")
    let writer = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: path) }
    let clock = PipelineClock(origin: now, at: SystemClock.wallNanoseconds(), speed: 1)
    let upkeep = Upkeep(context: context, writer: writer, clock: clock)
    let running = Task { await upkeep.run() }
    for await line in lines.stream where line.contains("accuracy: ") { break }
    running.cancel()
    await running.value
    try await writer.close()
    let told = lines.all.filter { $0.contains("schedule") }
    #expect(told.count == 2)
    #expect(told[0].contains("cleanup: 0 candles, 0 predictions, 0 vectors and 1 other rows removed"), "\(told)")
    let store = try context.openForReading()
    #expect(try store.meta("schedule.cleanup")?.hasPrefix("2026-11-21T02:") == true)
    #expect(try store.meta("schedule.accuracy")?.hasPrefix("2026-11-21T02:") == true)
  }

  @Test func `a service computes a share of what it predicted again, and counts what differs`() async throws {
    let (lines, status) = (LogLines(), LiveStatus())
    let filling = try Filling(folder.path)
    let context = try context(["schedule.parity_share": "1"], log: lines.log())
    do {
      let store = try context.openForWriting()
      try filling.write(to: store)
      var forged = try #require(filling.predictions.first)
      forged.time = forged.time.adding(microseconds: 30_000_000)
      #expect(try store.insert([forged]) == 1)
      for job in ["accuracy", "backup"] { try store.setMeta("schedule.\(job)", filling.now.description) }
      try store.setMeta("schedule.parity", filling.now.adding(minutes: -2880).description)
    }
    let path = folder.file("s.duckdb")
    let writer = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: path) }
    let clock = PipelineClock(origin: filling.now, at: SystemClock.wallNanoseconds(), speed: 1)
    let upkeep = Upkeep(context: context, writer: writer, clock: clock, status: status)
    let running = Task { await upkeep.run() }
    for await line in lines.stream where line.contains("parity: ") { break }
    running.cancel()
    await running.value
    try await writer.close()
    #expect(status.parity.checked == filling.predictions.count + 1)
    #expect(status.parity.mismatches == 1 && status.parity.unverifiable == 0)
    #expect(lines.all.contains { $0.contains("computed again it is not made") }, "\(lines.all)")
  }

  // MARK: Cleanup

  @Test func `versions trained on what goes are named first`() throws {
    let lines = LogLines()
    let context = try context(log: lines.log())
    let filling = try Filling(folder.path)
    let card = try filling.registry.directory(of: VersionName(filling.version)!).card()
    let store = try context.openForWriting()
    try store.write(TestedCandles.walk(seed: 1, count: 20, endingAt: card.dataset.from.adding(minutes: 10)))
    let cleanup = Cleanup(policy: RetentionPolicy(), registry: filling.registry, log: context.log)
    let removed = try cleanup.run(in: store, at: filling.now)
    #expect(removed.candles == 20)
    let warning = try #require(lines.all.first { $0.contains("version \(filling.version) was trained on candles") })
    #expect(warning.contains("warning") && warning.contains(card.dataset.from.description))
    #expect(try store.summary(of: Filling.series) == nil)
    let before = lines.all.count
    try cleanup.run(in: store, at: filling.now)
    #expect(lines.all.dropFirst(before).allSatisfy { !$0.contains("was trained on") })
  }

  // MARK: Accuracy

  @Test(arguments: TestedStore.kinds)
  func `predictions are settled by the candles that came`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let filling = try Filling(folder.path)
    try filling.write(to: tested.store)
    let result = try AccuracyRollUp(now: filling.now, since: filling.now.adding(minutes: -92 * 1440)).run(
      in: tested.store)
    let closes = Dictionary(uniqueKeysWithValues: filling.candles.map { ($0.closeTime, $0.close) })
    let known = filling.predictions.filter { $0.time.adding(minutes: 15) <= filling.now }
    #expect(result.outcomes == Set(known.map(\.time)).count)
    let rows = try tested.store.accuracy()
    #expect(result.rows == rows.count)
    #expect(rows.reduce(0) { $0 + $1.count } == known.count)
    for row in rows {
      let group = known.filter { $0.modelName == row.model && $0.time.day == row.day.day }
      let right = group.filter { prediction in
        let isUp = closes[prediction.time.adding(minutes: 15)]! >= closes[prediction.time]!
        return (prediction.direction == .up) == isUp
      }
      #expect(row.count == group.count)
      #expect(abs(row.accuracy - Double(right.count) / Double(group.count)) < 1e-12)
    }
    #expect(
      try AccuracyRollUp(now: filling.now, since: filling.now.adding(minutes: -92 * 1440)).run(in: tested.store)
        == .init())
  }

  @Test(arguments: TestedStore.kinds)
  func `what was said of windows that were not over is settled beside what was said at closes, and counted apart`(
    kind: TestedStore.Kind
  ) throws {
    let tested = try TestedStore(kind)
    let start = Timestamp("2026-11-20T12:00:00Z")!
    let candles = TestedCandles.walk(seed: 4, count: 60, endingAt: start.adding(minutes: 30))
    try tested.store.write(candles)
    let view = MarketView(price: Filling.series)
    func said(_ time: Timestamp, _ target: PredictionTarget) -> Prediction {
      Prediction(
        time: time, availableAt: time, view: view, target: target, probabilityUp: 0.75, confidence: 0.75,
        modelName: .baseline, version: "", featureSetHash: "h", inputHash: 1, state: "fresh", reason: "", mode: .live,
        latencyNanoseconds: 0, forecast: target.isOfTicks ? PriceForecast(current: 1, source: .direct) : nil)
    }
    let moments = (0..<200).map { said(start.adding(microseconds: $0 * 1_500_000), .openWindow(lengthMinutes: 5)) }
    let closes = (1..<5).map { said(start.adding(minutes: $0), .window(lengthMinutes: 5)) }
    #expect(try tested.store.insert(moments + closes) == 204, "moments at closes are no duplicates")
    #expect(
      try AccuracyRollUp(now: start.adding(minutes: 4), since: start.adding(minutes: -60)).run(in: tested.store)
        == .init())
    let result = try AccuracyRollUp(now: start.adding(minutes: 20), since: start.adding(minutes: -60)).run(
      in: tested.store)
    #expect(result.outcomes == 204)
    let closed = PredictionTarget.window(lengthMinutes: 5)
    let all = start..<start.adding(minutes: 5)
    #expect(
      try tested.store.outcomes(of: view, in: all, target: closed).map(\.target) == .init(repeating: closed, count: 4))
    #expect(try tested.store.outcomes(of: view, in: all, target: nil).count == 204)
    let rows = try tested.store.accuracy()
    #expect(Set(rows.map { "\($0.target) \($0.count)" }) == ["window-5m 4", "window-open-5m 200"])
    #expect(Set(rows.map(\.accuracy)).count == 1 && Set(rows.map(\.brier)).count == 1)
    #expect(
      try AccuracyRollUp(now: start.adding(minutes: 20), since: start.adding(minutes: -60)).run(in: tested.store)
        == .init())
  }

  @Test(arguments: TestedStore.kinds)
  func `where the price will be is settled by the price that it was predicted from a minute later`(
    kind: TestedStore.Kind
  ) throws {
    let tested = try TestedStore(kind)
    let start = Timestamp("2026-11-20T12:00:00Z")!
    let numbers = (0..<60).filter { $0 != 45 }
    let target = PredictionTarget.move(horizonSeconds: 60)
    let said = numbers.map { number in
      let time = start.adding(microseconds: Int64(number) * 1_500_000)
      return Prediction(
        time: time, availableAt: time, view: Filling.view, target: target, probabilityUp: 0.5, confidence: 0.3,
        modelName: .baseline, version: "", featureSetHash: "h", inputHash: 1, state: "untrained", reason: "",
        mode: .live, latencyNanoseconds: 0,
        forecast: PriceForecast(current: 100 + Double(number * number), source: .direct))
    }
    #expect(try tested.store.insert(said) == said.count)
    let outcomes = try AccuracyRollUp(now: start.adding(minutes: 5), since: start).settle(in: tested.store)
    // A minute is forty predictions; what the forty-fifth would have told is not known.
    let settled = (0..<20).filter { $0 != 5 }
    #expect(outcomes.map(\.time) == settled.map { start.adding(microseconds: Int64($0) * 1_500_000) })
    for (number, outcome) in zip(settled, outcomes) {
      let (before, after) = (100 + number * number, 100 + (number + 40) * (number + 40))
      #expect(abs(outcome.value - 100 * Double(after - before) / Double(before)) < 1e-12)
    }
  }

  // MARK: Commands

  private func run(_ words: String...) -> (code: ExitCode, output: String) {
    let output = Mutex("")
    let environment = [
      "CANDLECAST_STORE": "duckdb:\(folder.file("s.duckdb"))", "CANDLECAST_LOG_DIRECTORY": folder.file("logs"),
      "CANDLECAST_MODELS": folder.file("models"),
    ]
    let program = Program(
      environment: environment, output: { text in output.withLock { $0 += text } }, error: { _ in })
    return (program.run(words), output.withLock { $0 })
  }

  private func file(_ candles: [Candle], _ name: String) throws -> String {
    let rows = candles.map { candle in
      "\(candle.openTime.milliseconds),\(candle.open),\(candle.high),\(candle.low),\(candle.close),1,1,1,1,1"
    }
    let header = "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote"
    return try folder.write(([header] + rows).joined(separator: "\n") + "\n", to: name)
  }

  @Test
  func `an import of what is older than its retention pins it, says so, and the status lists it`() throws {
    let old = TestedCandles.walk(seed: 1, count: 30, endingAt: Timestamp("2024-03-01")!)
    let path = try file(old, "old.csv")
    let told = run("import", path)
    #expect(told.code == .done)
    let range = "2024-02-29T23:30:00Z to 2024-03-01T00:00:00Z"
    #expect(
      told.output.contains("pinned from \(range): older than 396 days, and no cleanup takes it"), "\(told.output)")
    let status = run("status").output
    #expect(status.contains("pinned") && status.contains("imported"), "\(status)")
    #expect(run("status", "--json").output.contains(#""reason": "imported""#))
    let context = try context()
    let store = try context.openForWriting()
    #expect(try store.removeExpired(RetentionPolicy(), at: SystemClock.now()).candles == 0)
  }

  @Test func `without a pin the cleanup has it, and what is young needs none`() throws {
    let old = TestedCandles.walk(seed: 1, count: 30, endingAt: Timestamp("2024-03-01")!)
    #expect(!run("import", "--no-pin", try file(old, "old.csv")).output.contains("pinned"))
    let now = Timestamp(minute: SystemClock.now().minute)
    #expect(
      !run("import", try file(TestedCandles.walk(seed: 2, count: 30, endingAt: now), "new.csv")).output
        .contains("pinned"))
    let store = try context().openForWriting()
    #expect(try store.pins().isEmpty)
    #expect(try store.removeExpired(RetentionPolicy(), at: SystemClock.now()).candles == 30)
    #expect(try store.summary(of: Filling.series)?.rows == 30)
  }

  @Test func `an import of an archive pins what is older than its retention, days that follow as one range`() throws {
    let old = TestedCandles.walk(seed: 1, count: 60, endingAt: Timestamp("2024-03-01T00:30:00Z")!)
    #expect(run("import", "--no-pin", try file(old, "old.csv")).code == .done)
    #expect(run("archive", "--to-url", folder.file("archive"), "--to", "2024-03-02").code == .done)
    let other = "duckdb:\(folder.file("other.duckdb"))"
    #expect(!run("import", folder.file("archive"), "--no-pin", "--store", other).output.contains("pinned"))
    #expect(try DuckDBStore(path: folder.file("other.duckdb"), mode: .readOnly).pins().isEmpty)
    for _ in 0..<2 {
      let told = run("import", folder.file("archive"), "--store", other)
      #expect(
        told.output.contains(
          "binance:BTCUSDT: pinned from 2024-02-29T23:30:00Z to 2024-03-01T00:30:00Z: older than 396 days"),
        "\(told.output)")
    }
    let store = try DuckDBStore(path: folder.file("other.duckdb"))
    #expect(try store.pins().map(\.range) == [old[0].openTime..<old[59].closeTime])
    #expect(try store.removeExpired(RetentionPolicy(), at: SystemClock.now()).candles == 0)
  }

  @Test func `a promotion is in the table of models at once`() throws {
    let filling = try Filling(folder.path)
    let context = try context()
    try context.recordModels(in: try context.openForWriting())
    func status() throws -> String? {
      try DuckDBStore(path: folder.file("s.duckdb"), mode: .readOnly).session.text("SELECT status FROM model_registry")
    }
    #expect(try status() == "production")
    #expect(run("models", "archive", filling.version).code != .done)
    #expect(try status() == "production")
  }

  @Test func `trainings of what is registered are noted once, if its files are there`() throws {
    let filling = try Filling(folder.path)
    let context = try context()
    func trainings(in store: any Store) throws -> String? {
      try store.snapshot().cells("SELECT count(*) FROM training_metadata").first?.first ?? nil
    }
    let store = try context.openForWriting()
    for _ in 0..<2 { try context.recordModels(in: store) }
    #expect(try trainings(in: store) == "5")
    #expect(try store.trainedVersions() == [filling.version])
    try FileManager.default.removeItem(atPath: folder.file("models/active/\(filling.version)"))
    let other = try DuckDBStore(path: folder.file("another.duckdb"))
    try context.recordModels(in: other)
    #expect(try trainings(in: other) == "0")
    #expect(try other.trainedVersions().isEmpty)
  }

  // MARK: Log

  @Test func `a log's records go to the table with their facts`() throws {
    let stored = StoredLog()
    let log = Log.silent
    log.setFollower { stored.append($0) }
    log.write(.info, "feed", "not kept: the level is too low")
    log.write(
      .error, "train", "failed", subcategory: "fit", symbol: .btcusdt, context: [.init("fold", 3)], tookMilliseconds: 2)
    log.setFollower(nil)
    log.write(.error, "train", "after the end")
    let rows = stored.take(at: .distantPast)
    #expect(rows.map(\.message) == ["failed"])
    #expect(rows[0].context?.contains("\"fold\"") == true && rows[0].context?.contains("took_ms") == true)
    #expect(rows[0].symbol == "BTCUSDT" && rows[0].subcategory == "fit" && rows[0].level == "error")
    log.setFollower { stored.append($0) }
    for _ in 0..<10_010 { log.write(.error, "a", "b") }
    let many = stored.take(at: .distantPast)
    #expect(many.count == 10_001)
    #expect(many.last?.message == "10 records left out")
  }
}
