import Market
import Operations
import Testing

struct SchedulerTests {
  private static let midnight = Timestamp("2026-11-21")!
  private let cleanup = Scheduler.Job("cleanup", .daily(minute: 120), lane: "upkeep")
  private let accuracy = Scheduler.Job("accuracy", .daily(minute: 180), lane: "upkeep")
  private let retrain = Scheduler.Job("retrain", .daily(minute: 120), waitsFor: ["cleanup"])
  private let backup = Scheduler.Job("backup", .every(minutes: 360))
  private var all: [Scheduler.Job] { [cleanup, accuracy, retrain, backup] }

  private func at(_ hour: Int, _ minute: Int = 0, day: Int = 0) -> Timestamp {
    Self.midnight.adding(minutes: day * 1440 + hour * 60 + minute)
  }

  private func scheduler(_ jobs: [Scheduler.Job], pool: Int = 9, last: [String: Timestamp] = [:], now: Timestamp)
    -> Scheduler
  {
    Scheduler(jobs, poolSize: pool, lastRuns: last, now: now)
  }

  @Test func `a daily job starts at its minute and not before`() {
    var scheduler = scheduler([cleanup], now: at(0))
    #expect(scheduler.nextStart(after: at(0)) == at(2))
    #expect(scheduler.start(at: at(1, 59)).isEmpty)
    #expect(scheduler.start(at: at(2)) == [cleanup])
    #expect(scheduler.start(at: at(2)).isEmpty)
    scheduler.finish("cleanup")
    #expect(scheduler.start(at: at(23, 59)).isEmpty)
    #expect(scheduler.start(at: at(2, day: 1)) == [cleanup])
  }

  @Test func `training at the cleanup's time waits for the cleanup`() {
    var scheduler = scheduler([retrain, cleanup], now: at(0))
    #expect(scheduler.start(at: at(2)) == [cleanup])
    #expect(scheduler.start(at: at(2, 5)).isEmpty)
    scheduler.finish("cleanup")
    #expect(scheduler.start(at: at(2, 6)) == [retrain])
  }

  @Test func `jobs of one lane run one at a time`() {
    var scheduler = scheduler(all, now: at(0))
    #expect(scheduler.start(at: at(2)) == [cleanup])
    #expect(scheduler.start(at: at(3)).isEmpty)
    scheduler.finish("cleanup")
    #expect(scheduler.start(at: at(3, 1)) == [accuracy, retrain])
  }

  @Test func `no more jobs run at once than the pool holds`() {
    var scheduler = scheduler(all, pool: 1, last: Dictionary(all.map { ($0.name, at(0)) }) { a, _ in a }, now: at(7))
    #expect(scheduler.start(at: at(7)) == [cleanup])
    scheduler.finish("cleanup")
    #expect(scheduler.start(at: at(7)) == [accuracy])
    scheduler.finish("accuracy")
    #expect(scheduler.start(at: at(7)) == [retrain])
    scheduler.finish("retrain")
    #expect(scheduler.start(at: at(7)) == [backup])
  }

  @Test func `what was missed while nothing ran is caught up once`() {
    var scheduler = scheduler([cleanup, backup], last: ["cleanup": at(2), "backup": at(6)], now: at(10, day: 5))
    #expect(scheduler.nextStart(after: at(10, day: 5)) == at(10, day: 5))
    #expect(scheduler.start(at: at(10, day: 5)) == [cleanup, backup])
    for job in ["cleanup", "backup"] { scheduler.finish(job) }
    #expect(scheduler.start(at: at(10, 1, day: 5)).isEmpty)
    #expect(scheduler.nextStart(after: at(10, 1, day: 5)) == at(12, day: 5))
  }

  @Test func `a restart goes on from what was kept`() {
    var first = scheduler(all, now: at(0))
    #expect(first.start(at: at(2)) == [cleanup])
    var second = scheduler(all, last: first.lastRuns, now: at(2, 1))
    #expect(second.start(at: at(2, 1)) == [retrain])
  }

  @Test func `a job that is new is not due before its next time`() {
    var scheduler = scheduler([cleanup], now: at(2, 30))
    #expect(scheduler.start(at: at(2, 31)).isEmpty)
    #expect(scheduler.nextStart(after: at(2, 31)) == at(2, day: 1))
  }

  @Test func `a last run in the future, from a clock that was put back, does not stop a job`() {
    var scheduler = scheduler([cleanup], last: ["cleanup": at(2, day: 400)], now: at(1))
    #expect(scheduler.start(at: at(2)) == [cleanup])
  }

  @Test func `backups are at whole multiples of their interval`() {
    var scheduler = scheduler([backup], now: at(1, 17))
    var starts: [Timestamp] = []
    for minute in 0..<2880 {
      guard let job = scheduler.start(at: at(1, 17 + minute)).first else { continue }
      starts.append(at(1, 17 + minute))
      scheduler.finish(job.name)
    }
    #expect(starts == [at(6), at(12), at(18), at(24), at(30), at(36), at(42), at(48)])
  }

  @Test(arguments: 0..<20)
  func `whatever the times, every job runs once a period and nothing overlaps that must not`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var scheduler = scheduler(all, pool: 2, now: at(0))
    var ends: [String: Int] = [:]
    var counts: [String: Int] = [:]
    for minute in 0..<(1440 * 20) {
      for (name, end) in ends where end <= minute {
        scheduler.finish(name)
        ends[name] = nil
      }
      for job in scheduler.start(at: at(0, minute)) {
        counts[job.name, default: 0] += 1
        ends[job.name] = minute + Int.random(in: 1..<90, using: &random)
      }
      #expect(ends.count <= 2)
      #expect(!(ends.keys.contains("cleanup") && ends.keys.contains("accuracy")))
      #expect(Set(ends.keys) == scheduler.running)
    }
    #expect(counts == ["cleanup": 20, "accuracy": 20, "retrain": 20, "backup": 79])
  }

  @Test(arguments: ["02:00": 120, "00:00": 0, "23:59": 1439])
  func `a time of day is read`(text: String, minute: Int) {
    #expect(Scheduler.Rhythm(daily: text) == .daily(minute: minute))
    #expect(Scheduler.Rhythm(daily: "2400") == nil)
  }
}
