package import Market

/// Decides when daily and periodic jobs start. It knows no clock and runs nothing: it is told the time, and says what to
/// start.
///
/// A run that was missed, because the program was not running or a job before it took long, is caught up once, however
/// many were missed. A job never runs twice at a time.
package struct Scheduler: Sendable {
  package struct Job: Hashable, Sendable {
    package var name: String
    package var rhythm: Rhythm
    /// Jobs of one lane run one at a time.
    package var lane: String?
    /// The job does not start while one of these is due or running.
    package var waitsFor: Set<String>

    package init(_ name: String, _ rhythm: Rhythm, lane: String? = nil, waitsFor: Set<String> = []) {
      (self.name, self.rhythm, self.lane, self.waitsFor) = (name, rhythm, lane, waitsFor)
    }
  }

  package enum Rhythm: Hashable, Sendable {
    /// At this minute of every day, UTC.
    case daily(minute: Int)
    /// At every whole multiple of so many minutes since 1970.
    case every(minutes: Int)
  }

  private let jobs: [Job]
  private let poolSize: Int
  /// When each job was started last, or when it was first heard of.
  package private(set) var lastRuns: [String: Timestamp]
  package private(set) var running: Set<String> = []

  /// - Parameters:
  ///   - jobs: the order in which they start when several are due; those that others wait for come first.
  ///   - lastRuns: as `lastRuns` of an earlier process was. A job that is not in it is not due before its next time.
  ///   - poolSize: so many jobs run at once, at most.
  package init(_ jobs: [Job], poolSize: Int, lastRuns: [String: Timestamp], now: Timestamp) {
    precondition(poolSize > 0, "a pool without room")
    (self.jobs, self.poolSize) = (jobs, poolSize)
    self.lastRuns = lastRuns.filter { entry in jobs.contains { $0.name == entry.key } }
    for job in jobs where self.lastRuns[job.name, default: .distantFuture] > now { self.lastRuns[job.name] = now }
  }

  /// The jobs to start now, which count as running from here on.
  package mutating func start(at now: Timestamp) -> [Job] {
    var started: [Job] = []
    for job in jobs where running.count < poolSize && isDue(job, at: now) && !isHeld(job, at: now) {
      running.insert(job.name)
      lastRuns[job.name] = now
      started.append(job)
    }
    return started
  }

  package mutating func finish(_ name: String) { running.remove(name) }

  /// When a job that is not running is due next, at `now` if it is already; `nil` if all run.
  package func nextStart(after now: Timestamp) -> Timestamp? {
    jobs.filter { !running.contains($0.name) }.map { max($0.rhythm.next(after: lastRuns[$0.name] ?? now), now) }.min()
  }

  private func isDue(_ job: Job, at now: Timestamp) -> Bool {
    guard !running.contains(job.name), let last = lastRuns[job.name] else { return false }
    return job.rhythm.next(after: last) <= now
  }

  private func isHeld(_ job: Job, at now: Timestamp) -> Bool {
    jobs.contains { other in
      guard other.name != job.name else { return false }
      if running.contains(other.name) {
        return job.waitsFor.contains(other.name) || (job.lane != nil && job.lane == other.lane)
      }
      return job.waitsFor.contains(other.name) && isDue(other, at: now)
    }
  }
}

extension Scheduler.Rhythm {
  /// The first time strictly after another.
  package func next(after time: Timestamp) -> Timestamp {
    let (period, phase): (Int64, Int64) =
      switch self {
      case .daily(let minute): (1440, Int64(minute))
      case .every(let minutes): (Int64(minutes), 0)
      }
    return Timestamp(minute: ((time.minute - phase).flooredQuotient(period) + 1) * period + phase)
  }

  /// Of a knob's `HH:MM`.
  package init?(daily text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]), (0..<24).contains(hour),
      (0..<60).contains(minute)
    else { return nil }
    self = .daily(minute: hour * 60 + minute)
  }
}
