import Ingestion
import Market
import Storage
import TestSupport
import Testing

struct GapsQueueTests {
  private let series = Series(.binance, .btcusdt)
  private let now = Timestamp("2025-01-01")!

  private func after(_ seconds: Int64) -> Timestamp { now.adding(microseconds: seconds * 1_000_000) }

  @Test func `the oldest goes first, at most five at once, a thousand keys each`() {
    var queue = BackfillQueue()
    queue.add(series, .minutes, 10_000..<13_500)
    queue.add(Series(.binance, Symbol("ETHUSDT")!), .minutes, 500..<900)
    queue.add(series, .minutes, 0..<1)
    let jobs = queue.next(now: now)
    #expect(jobs.map(\.range) == [0..<1, 500..<900, 10_000..<11_000, 11_000..<12_000, 12_000..<13_000])
    #expect(queue.next(now: now).isEmpty)
    queue.finished(jobs[0].id)
    #expect(queue.next(now: now).map(\.range) == [13_000..<13_500])
    #expect(queue.progress.running == 5)
    #expect(queue.progress.doneKeys == 1)
  }

  @Test func `knobs change how many run, how long and how wide`() {
    var options = BackfillQueue.Options()
    (options.atOnce, options.batchSize, options.timeoutMicroseconds) = (2, 10, 5_000_000)
    var queue = BackfillQueue(options)
    queue.add(series, .minutes, 0..<100)
    #expect(queue.next(now: now).map(\.range) == [0..<10, 10..<20])
    #expect(queue.timedOut(now: after(4)).isEmpty)
    #expect(queue.nextDue == after(5))
    #expect(queue.timedOut(now: after(5)).count == 2)
    #expect(queue.next(now: after(5)).map(\.range) == [20..<30, 30..<40])
  }

  @Test func `the same range twice is one job and neighbours join`() {
    var queue = BackfillQueue()
    for end in Int64(1)...50 { queue.add(series, .minutes, 0..<end) }
    #expect(queue.progress.waitingJobs == 1)
    _ = queue.next(now: now)
    queue.add(series, .minutes, 0..<60)
    #expect(queue.next(now: now).map(\.range) == [50..<60])
  }

  @Test func `what is not reachable is tried for ever with longer pauses and what is refused is lost`() {
    var queue = BackfillQueue()
    queue.add(series, .minutes, 0..<10)
    var time = now
    var pauses: [Int64] = []
    for _ in 0..<9 {
      let job = queue.next(now: time)[0]
      #expect(queue.failed(job.id, .unreachable("no route"), now: time) == nil)
      let due = queue.nextDue!
      pauses.append((due.microseconds - time.microseconds) / 1_000_000)
      time = due
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    var lost: BackfillQueue.Job?
    for _ in 0..<5 {
      #expect(lost == nil)
      time = time.adding(minutes: 2)
      lost = queue.failed(queue.next(now: time)[0].id, .refused("bad symbol"), now: time)
    }
    #expect(lost?.range == 0..<10)
    #expect(queue.isIdle)
  }

  @Test func `one bad row costs one key and not the answer around it`() throws {
    var queue = BackfillQueue()
    queue.add(series, .minutes, 100..<200)
    var lost: [Range<Int64>] = []
    while !queue.isIdle {
      for job in queue.next(now: now) {
        guard job.range.contains(137) else {
          queue.finished(job.id)
          continue
        }
        if let spoiled = queue.spoiled(job.id) { lost.append(spoiled.range) }
      }
    }
    #expect(lost == [137..<138])
    #expect(queue.isIdle)
    #expect(queue.progress.doneKeys == 99)
  }

  @Test func `a job that the limits hold back has not failed`() {
    var queue = BackfillQueue()
    queue.add(series, .trades, 0..<10)
    queue.postponed(queue.next(now: now)[0].id, until: after(30))
    #expect(queue.next(now: after(29)).isEmpty)
    #expect(queue.next(now: after(30)).map(\.failures) == [0])
  }

  @Test(arguments: Soak.seeds(30)) func `everything asked for is fetched and nothing twice at once`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var options = BackfillQueue.Options()
    (options.atOnce, options.batchSize) = (.random(in: 1...6, using: &random), .random(in: 1...50, using: &random))
    var queue = BackfillQueue(options)
    var asked = KeyRanges()
    var fetched = KeyRanges()
    var running: [BackfillQueue.Job] = []
    var time = now
    for step in 0..<2000 {
      if step < 500, .random(in: 0..<5, using: &random) == 0 {
        let from = Int64.random(in: 0...1000, using: &random)
        let range = from..<(from + .random(in: 1...200, using: &random))
        queue.add(series, .minutes, range)
        asked.insert(range)
      }
      for job in queue.next(now: time) {
        #expect(!running.contains { $0.range.overlaps(job.range) })
        #expect(job.range.count <= Int(options.batchSize))
        running.append(job)
      }
      #expect(running.count <= options.atOnce)
      if let job = running.randomElement(using: &random) {
        running.removeAll { $0.id == job.id }
        if Bool.random(using: &random) {
          queue.finished(job.id)
          fetched.insert(job.range)
        } else {
          _ = queue.failed(job.id, .unreachable("test"), now: time)
        }
      }
      time = time.adding(microseconds: .random(in: 0...3_000_000, using: &random))
    }
    #expect(fetched.runs == asked.runs || !queue.isIdle)
    while !queue.isIdle {
      time = time.adding(minutes: 2)
      for job in queue.next(now: time) + running {
        queue.finished(job.id)
        fetched.insert(job.range)
      }
      running = []
    }
    #expect(fetched == asked)
  }
}
