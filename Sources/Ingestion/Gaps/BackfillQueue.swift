package import Market
package import Storage

/// What is to be fetched, of all series: oldest first, a few at once, nothing twice, until it is there.
///
/// It holds no facts of its own. After a crash the keepers offer again what their stored ledgers lack.
package struct BackfillQueue: Sendable {
  package struct Options: Hashable, Sendable {
    package var atOnce = 5
    package var timeoutMicroseconds: Int64 = 300_000_000
    /// Keys in one request.
    package var batchSize: Int64 = 1000
    package var firstPauseMicroseconds: Int64 = 1_000_000
    package var longestPauseMicroseconds: Int64 = 60_000_000
    /// Refusals before keys are lost. Silence and unreachable venues never make anything lost.
    package var refusals = 5

    package init() {}
  }

  /// One request's worth.
  package struct Job: Hashable, Sendable {
    package let id: Int
    package let series: Series
    package let kind: LedgerKind
    package let range: Range<Int64>
    package let isRecheck: Bool
    /// Of what it fetches; older goes first.
    package let age: Timestamp
    package fileprivate(set) var failures = 0
    fileprivate(set) var refusals = 0
    fileprivate(set) var startedAt: Timestamp?
    fileprivate(set) var notBefore = Timestamp.distantPast
  }

  package enum Failure: Hashable, Sendable {
    /// No answer, or the venue's own trouble: it will pass.
    case unreachable(String)
    /// The venue answered and will not give it.
    case refused(String)

    package var reason: String {
      switch self {
      case .unreachable(let reason), .refused(let reason): reason
      }
    }
  }

  package struct Progress: Hashable, Sendable {
    package var waitingKeys: Int64 = 0
    package var waitingJobs = 0
    package var running = 0
    package var doneKeys: Int64 = 0
    package var doneJobs = 0
    package var failures = 0
  }

  private let options: Options
  private var waiting: [Job] = []
  private var running: [Int: Job] = [:]
  private var nextId = 1
  private var done = Progress()

  package init(_ options: Options = Options()) { self.options = options }

  package var progress: Progress {
    var progress = done
    progress.waitingJobs = waiting.count
    progress.waitingKeys = waiting.reduce(0) { $0 + $1.range.length }
    progress.running = running.count
    return progress
  }

  package var isIdle: Bool { waiting.isEmpty && running.isEmpty }

  /// Of what waits for another try.
  package var mostFailures: Int { waiting.map(\.failures).max() ?? 0 }

  /// What is not waiting or running yet is added, in requests' worth.
  ///
  /// - Parameter age: the time of the range's first key; of minutes it is the first minute.
  package mutating func add(
    _ series: Series, _ kind: LedgerKind, _ range: Range<Int64>, isRecheck: Bool = false, age: Timestamp? = nil
  ) {
    var held = KeyRanges()
    for job in waiting where job.isOf(series, kind, isRecheck) { held.insert(job.range) }
    for job in running.values where job.isOf(series, kind, isRecheck) { held.insert(job.range) }
    for hole in held.holes(in: range) {
      let merged = takeNeighbours(of: hole, series, kind, isRecheck)
      for from in stride(from: merged.lowerBound, to: merged.upperBound, by: Int(options.batchSize)) {
        let part = from..<min(merged.upperBound, from + options.batchSize)
        let start = kind == .minutes ? Timestamp(minute: from) : age ?? .distantPast
        waiting.append(
          Job(id: nextId, series: series, kind: kind, range: part, isRecheck: isRecheck, age: start))
        nextId += 1
      }
    }
  }

  /// Jobs to begin now, oldest first.
  package mutating func next(now: Timestamp) -> [Job] {
    var begun: [Job] = []
    while running.count < options.atOnce, let index = oldestReady(now) {
      var job = waiting.remove(at: index)
      job.startedAt = now
      running[job.id] = job
      begun.append(job)
    }
    return begun
  }

  /// The job was answered, whatever the answer said.
  package mutating func finished(_ id: Int) {
    guard let job = running.removeValue(forKey: id) else { return }
    done.doneJobs += 1
    done.doneKeys += job.range.length
  }

  /// It could not be asked yet.
  package mutating func postponed(_ id: Int, until time: Timestamp) {
    guard var job = running.removeValue(forKey: id) else { return }
    job.notBefore = time
    waiting.append(job)
  }

  /// - Returns: the job, if its keys are lost now.
  package mutating func failed(_ id: Int, _ failure: Failure, now: Timestamp) -> Job? {
    guard var job = running.removeValue(forKey: id) else { return nil }
    done.failures += 1
    job.failures += 1
    if case .refused = failure { job.refusals += 1 }
    guard job.refusals < options.refusals else { return job }
    job.notBefore = now.adding(microseconds: pause(after: job.failures))
    job.startedAt = nil
    waiting.append(job)
    return nil
  }

  /// Something in the answer is of no use: its halves are asked for apart, so that the rest is not lost with it.
  ///
  /// - Returns: the job, if it was of one key, which is lost now.
  package mutating func spoiled(_ id: Int) -> Job? {
    guard let job = running.removeValue(forKey: id) else { return nil }
    done.failures += 1
    guard job.range.length > 1 else { return job }
    let middle = job.range.lowerBound + job.range.length / 2
    for part in [job.range.lowerBound..<middle, middle..<job.range.upperBound] {
      let age = job.kind == .minutes ? Timestamp(minute: part.lowerBound) : job.age
      var half = Job(id: nextId, series: job.series, kind: job.kind, range: part, isRecheck: job.isRecheck, age: age)
      half.failures = job.failures + 1
      waiting.append(half)
      nextId += 1
    }
    return nil
  }

  /// Jobs that took too long: they wait for another try, and an answer that still comes for them is not theirs any more.
  package mutating func timedOut(now: Timestamp) -> [Job] {
    let late = running.values.filter { job in
      job.startedAt.map { now.microseconds - $0.microseconds >= options.timeoutMicroseconds } ?? false
    }.sorted { $0.id < $1.id }
    for job in late { _ = failed(job.id, .unreachable("no answer in time"), now: now) }
    return late
  }

  /// When `next` or `timedOut` may have something to do.
  package var nextDue: Timestamp? {
    let begins = running.count < options.atOnce ? waiting.map(\.notBefore).min() : nil
    let ends = running.values.compactMap { $0.startedAt?.adding(microseconds: options.timeoutMicroseconds) }.min()
    guard let begins, let ends else { return begins ?? ends }
    return min(begins, ends)
  }

  private func oldestReady(_ now: Timestamp) -> Int? {
    waiting.indices.filter { waiting[$0].notBefore <= now }.min {
      (waiting[$0].age, waiting[$0].id) < (waiting[$1].age, waiting[$1].id)
    }
  }

  /// Small untried neighbours join the range, so that a hole that grows by the minute stays one request.
  private mutating func takeNeighbours(
    of range: Range<Int64>, _ series: Series, _ kind: LedgerKind, _ isRecheck: Bool
  ) -> Range<Int64> {
    var merged = range
    for job in waiting where job.isOf(series, kind, isRecheck) && job.failures == 0 && job.notBefore == .distantPast {
      guard job.range.upperBound == merged.lowerBound || job.range.lowerBound == merged.upperBound else { continue }
      merged = min(merged.lowerBound, job.range.lowerBound)..<max(merged.upperBound, job.range.upperBound)
      waiting.removeAll { $0.id == job.id }
    }
    return merged
  }

  private func pause(after failures: Int) -> Int64 {
    let doubled = options.firstPauseMicroseconds << Int64(min(failures - 1, 20))
    return min(doubled, options.longestPauseMicroseconds)
  }
}

extension BackfillQueue.Failure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreachable(let reason), .refused(let reason): reason
    }
  }
}

extension BackfillQueue.Job {
  fileprivate func isOf(_ series: Series, _ kind: LedgerKind, _ isRecheck: Bool) -> Bool {
    self.series == series && self.kind == kind && self.isRecheck == isRecheck
  }
}
