import FoundationEssentials
import Ingestion
import Market
import Operations
import Platform
import Storage
import Synchronization
import TestSupport
import Testing

@testable import candlecast

/// Each knob of the service's jobs, changed in the configuration and seen in which of them runs when.
struct ScheduleKnobTests {
  private static let midnight = Timestamp("2026-11-21")!
  private static let all = [
    "data.cleanup": "on", "schedule.retrain": "true", "backup.every_hours": "0", "schedule.parity_share": "0",
  ]

  /// The jobs that start when the last one has ended, over a day, by minute.
  private static func day(_ knobs: [String: String]) throws -> [String] {
    let context = try Desk(all.merging(knobs) { $1 }).context()
    var scheduler = try Upkeep.scheduler(context, lastRuns: [:], now: midnight)
    var starts: [String] = []
    for minute in 0..<1440 {
      for _ in 0..<4 {
        let started = scheduler.start(at: midnight.adding(minutes: minute))
        starts += started.map { "\($0.name) \(minute / 60):\(minute % 60)" }
        for job in started { scheduler.finish(job.name) }
      }
    }
    return starts
  }

  @Test func `jobs start at their times`() throws {
    #expect(try Self.day([:]) == ["cleanup 2:0", "retrain 2:0", "accuracy 3:0"])
    #expect(try Self.day(["schedule.cleanup_at": "04:05"]) == ["retrain 2:0", "accuracy 3:0", "cleanup 4:5"])
    #expect(try Self.day(["schedule.accuracy_at": "01:00"]) == ["accuracy 1:0", "cleanup 2:0", "retrain 2:0"])
    #expect(try Self.day(["schedule.retrain_at": "23:59"]) == ["cleanup 2:0", "accuracy 3:0", "retrain 23:59"])
    #expect(
      try Self.day(["schedule.parity_share": "0.5", "schedule.parity_at": "05:00"])
        == ["cleanup 2:0", "retrain 2:0", "accuracy 3:0", "parity 5:0"])
    #expect(try Self.day(["schedule.retrain": "false"]) == ["cleanup 2:0", "accuracy 3:0"])
  }

  @Test(arguments: [("1", ["accuracy"]), ("2", ["accuracy", "retrain"])])
  func `so many run at a time`(size: String, expected: [String]) throws {
    let context = try Desk(Self.all.merging(["schedule.pool_size": size]) { $1 }).context()
    var scheduler = try Upkeep.scheduler(context, lastRuns: [:], now: Self.midnight)
    let late = Self.midnight.adding(minutes: 600)
    // Both others wait for the cleanup.
    #expect(scheduler.start(at: late).map(\.name) == ["cleanup"])
    scheduler.finish("cleanup")
    #expect(scheduler.start(at: late).map(\.name) == expected)
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `a feed trains at the time, and goes on if that fails`()
    async throws
  {
    let (stream, lines) = AsyncStream.makeStream(of: String.self)
    let desk = try Desk(["schedule.retrain": "true", "backup.every_hours": "0"])
    let usual = try desk.context()
    let log = Log(
      files: nil, fileLevel: .info, screenLevel: .info, screen: { lines.yield($0) }, clock: SystemClock.now)
    let context = CommandContext(
      configuration: usual.configuration, log: log, output: usual.output, installation: usual.installation)
    let path = desk.storePath
    // Due since two.
    try context.openForWriting().setMeta("schedule.retrain", "2026-11-20T02:00:00Z")
    for job in ["accuracy", "parity"] {
      try context.openForWriting().setMeta("schedule.\(job)", "2026-11-20T03:30:00Z")
    }
    let writer = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: path) }
    let now = Self.midnight.adding(minutes: 121)
    let clock = PipelineClock(origin: now, at: SystemClock.wallNanoseconds(), speed: 1)
    let running = Task { await Upkeep(context: context, writer: writer, clock: clock).run() }
    var told = ""
    for await line in stream where line.contains("retrain") {
      told = line
      break
    }
    running.cancel()
    await running.value
    #expect(
      told.contains("failed and comes again") && told.contains("has no candles of sim-binance:BTCUSDT"), "\(told)")
    #expect(try await writer.withStore { try $0.meta("schedule.retrain") }?.hasPrefix("2026-11-21T02:0") == true)
    try await writer.close()
  }
}
