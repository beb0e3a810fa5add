import Ingestion
import Market
import Models
import Operations
import Platform
import Serving
import Storage
import Synchronization

/// The jobs of a running service at the times of the configuration: cleanup, accuracy and backup one at a time, and
/// beside them a training.
///
/// When each ran last stands in the store, so that a restart catches up on what was missed. A job that fails is logged
/// and comes again at its next time.
actor Upkeep {
  private static let metaPrefix = "schedule."
  private static let backup = "backup"
  private static let retraining = "retrain"
  private static let parity = "parity"
  /// Outcomes of before the start that intervals of probabilities rest on.
  private static let rememberedDays = 7
  /// Of `settle`; intervals change little from one to the next.
  private static let passesBetweenIntervals = 5

  private let context: CommandContext
  private let writer: LiveWriter
  private let clock: PipelineClock
  /// Is told of outcomes.
  private let hub: Hub?
  private let status: LiveStatus
  private var scheduler: Scheduler?

  init(
    context: CommandContext, writer: LiveWriter, clock: PipelineClock, hub: Hub? = nil,
    status: LiveStatus = LiveStatus()
  ) {
    (self.context, self.writer, self.clock, self.hub, self.status) = (context, writer, clock, hub, status)
  }

  /// Until its task is cancelled.
  func run() async {
    guard let jobs = try? Self.jobs(context), !jobs.isEmpty else { return }
    do {
      try await setPolicies()
      scheduler = try Self.scheduler(context, lastRuns: try await lastRuns(jobs), now: clock.now())
    } catch {
      return context.log.write(.error, "schedule", "no job runs: \(error)")
    }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.settle() }
      while !Task.isCancelled {
        for job in scheduler?.start(at: clock.now()) ?? [] {
          group.addTask { await self.perform(job) }
        }
        await rest()
      }
    }
  }

  static func scheduler(
    _ context: CommandContext, lastRuns: [String: Timestamp], now: Timestamp
  ) throws -> Scheduler {
    Scheduler(
      try jobs(context), poolSize: context.configuration.integer("schedule.pool_size") ?? 2, lastRuns: lastRuns,
      now: now)
  }

  /// - Returns: what the configuration asks for, in the order in which it starts.
  static func jobs(_ context: CommandContext) throws -> [Scheduler.Job] {
    let configuration = context.configuration
    func rhythm(_ knob: String) throws -> Scheduler.Rhythm {
      guard let rhythm = configuration.text(knob).flatMap({ Scheduler.Rhythm(daily: $0) }) else {
        throw CommandError(.wrongUsage, "\(knob) is no time of day")
      }
      return rhythm
    }
    var jobs = [Scheduler.Job("accuracy", try rhythm("schedule.accuracy_at"), lane: "upkeep")]
    if context.isWanted("data.cleanup") {
      jobs.insert(Scheduler.Job("cleanup", try rhythm("schedule.cleanup_at"), lane: "upkeep"), at: 0)
    }
    if configuration.boolean("schedule.retrain") ?? false {
      jobs.append(Scheduler.Job(retraining, try rhythm("schedule.retrain_at"), waitsFor: ["cleanup"]))
    }
    if configuration.number("schedule.parity_share") ?? 0 > 0 {
      jobs.append(Scheduler.Job(parity, try rhythm("schedule.parity_at"), lane: "upkeep"))
    }
    let hours = configuration.integer("backup.every_hours") ?? 0
    if hours > 0 { jobs.append(Scheduler.Job(backup, .every(minutes: hours * 60), lane: "upkeep")) }
    return jobs
  }

  private func setPolicies() async throws {
    let policy = context.isWanted("data.cleanup") ? RetentionPolicy(context.configuration) : nil
    let days = context.configuration.integer("database.compress_after_days") ?? 7
    try await writer.withStore { try $0.setPolicies(policy, compressAfterDays: days) }
  }

  private func lastRuns(_ jobs: [Scheduler.Job]) async throws -> [String: Timestamp] {
    let names = jobs.map(\.name)
    return try await writer.withStore { store in
      var runs: [String: Timestamp] = [:]
      for name in names { runs[name] = try store.meta(Self.metaPrefix + name).flatMap { Timestamp($0) } }
      return runs
    }
  }

  /// Until a job is due, at most a few seconds: a simulator's clock runs fast, and a job may end that another waits for.
  private func rest() async {
    let now = clock.now()
    let next = scheduler?.nextStart(after: now).map { Double($0.microseconds - now.microseconds) / 1e6 } ?? 5
    try? await Task.sleep(for: .seconds(min(max(clock.wallSeconds(next), 0.05), 5)))
  }

  /// Every minute, what has become known of the predictions of the last two hours, every hour of those of the last day,
  /// and the first time of all that were ever made; older ones wait for the job that sums up.
  private func settle() async {
    var passes = 0
    var hasFailed = false
    var untaken: [PredictionOutcome] = []
    var hasIntervals = false
    while !Task.isCancelled {
      do {
        let now = clock.now()
        let everMinutes = RetentionPolicy(context.configuration).predictionsDays * 1440
        let minutes = passes == 0 ? everMinutes : passes.isMultiple(of: 60) ? 1440 : 120
        let roll = AccuracyRollUp(now: now, since: now.adding(minutes: -minutes))
        let outcomes = try await writer.withStore { try roll.settle(in: $0) }
        // A window that ends settles hundreds of its moments; those of its closes tell it already.
        for outcome in outcomes where !PredictionTarget.openWindows.contains(outcome.target) { hub?.publish(outcome) }
        untaken += outcomes
        if !hasIntervals {
          try await beginIntervals(at: now)
          (hasIntervals, untaken) = (true, [])
        } else if passes.isMultiple(of: Self.passesBetweenIntervals) {
          try await writer.withReader { [untaken, status] in try status.intervals.take(untaken, from: $0) }
          untaken = []
        }
        (passes, hasFailed) = (passes + 1, false)
      } catch is LiveWriterError {
        return
      } catch {
        if !hasFailed { context.log.write(.error, "schedule", "outcomes wait for the next minute: \(error)") }
        hasFailed = true
      }
      try? await Task.sleep(for: .seconds(max(clock.wallSeconds(60), 0.25)))
    }
  }

  /// With what the store knows of the last days.
  private func beginIntervals(at now: Timestamp) async throws {
    let catalogue = VenueCatalogue(configuration: context.configuration)
    let view = try LivePlanner(context: context, catalogue: catalogue, now: now).view
    let range = now.adding(minutes: -1440 * Self.rememberedDays)..<now
    try await writer.withReader { [status] store in
      for target in ProbabilityIntervals.targets {
        try status.intervals.take(try store.outcomes(of: view, in: range, target: target), from: store)
      }
    }
  }

  private func perform(_ job: Scheduler.Job) async {
    let now = clock.now()
    let start = SystemClock.seconds()
    do {
      let (context, key) = (context, Self.metaPrefix + job.name)
      try await writer.flush()
      let outcome: String
      if job.name == Self.backup {
        let snapshot = try await writer.withStore { store in
          try store.setMeta(key, now.description)
          return try store.snapshot()
        }
        outcome = try await Self.backUp(snapshot, at: now, context)
      } else if job.name == Self.retraining {
        outcome = try await retrain(at: now)
      } else if job.name == Self.parity {
        outcome = try await checkParity(at: now)
      } else {
        outcome = try await writer.withStore { store in
          try store.setMeta(key, now.description)
          return try Self.run(job.name, in: store, at: now, context)
        }
      }
      context.log.write(
        .info, "schedule", "\(job.name): \(outcome)", tookMilliseconds: (SystemClock.seconds() - start) * 1000)
    } catch is LiveWriterError {
      // The feed is ending; the job was not due for the last time.
    } catch {
      status.noteFailedJob()
      context.log.write(.error, "schedule", "\(job.name) failed and comes again at its next time: \(error)")
    }
    // A backup leaves megabytes that are free and not given back.
    FreeMemory.giveBack()
    scheduler?.finish(job.name)
  }

  /// While the feed goes on writing.
  private static func backUp(
    _ snapshot: any StoreSnapshot, at now: Timestamp, _ context: CommandContext
  ) async throws -> String {
    let folder = BackupFolder(context)
    let made = try await DedicatedThread.run { try folder.add(snapshot, at: now) }
    let removed = made.removed.isEmpty ? "" : ", \(made.removed.count) older removed"
    return "\(made.path), \(made.rows) rows\(removed)"
  }

  /// Reads and writes between the feed's commits; what takes long is a process of its own.
  private func retrain(at now: Timestamp) async throws -> String {
    let isEnding = Flag()
    var job = TrainingJob(context: context, range: .all, asOf: nil, isFull: false, refits: false)
    job.isStopRequested = { isEnding.isUp || Signals.isStopRequested }
    let key = Self.metaPrefix + Self.retraining
    let dataset = try await writer.withStore { [job] store in
      try store.setMeta(key, now.description)
      return try job.makeDataset(from: store)
    }
    let result = try await withTaskCancellationHandler {
      try await DedicatedThread.run { [job] in try job.fit(dataset) }
    } onCancel: {
      isEnding.raise()
    }
    try await writer.withStore { [context] in try context.recordModels(in: $0) }
    let names = result.versions.map(\.description).joined(separator: ", ")
    return "registered \(names); \(result.summary.verdict.reason)"
  }

  private func checkParity(at now: Timestamp) async throws -> String {
    let (context, key) = (context, Self.metaPrefix + Self.parity)
    let parity = LiveParity(
      context: context, decisions: now.adding(minutes: -1440)..<now,
      share: context.configuration.number("schedule.parity_share") ?? 0, seed: UInt64(bitPattern: now.microseconds))
    try await writer.withStore { try $0.setMeta(key, now.description) }
    let result = try await writer.withReader { try parity.run(in: $0) }
    status.note(result)
    for mismatch in result.mismatches.prefix(20) { context.log.write(.error, "parity", mismatch) }
    return "\(result.checked) predictions computed again, \(result.mismatches.count) differ, "
      + "\(result.unverifiable) cannot be computed"
  }

  private static func run(
    _ job: String, in store: any Store, at now: Timestamp, _ context: CommandContext
  ) throws -> String {
    let policy = RetentionPolicy(context.configuration)
    switch job {
    case "cleanup":
      let cleanup = Cleanup(policy: policy, registry: context.registry, log: context.log)
      let removed = try cleanup.run(in: store, at: now)
      return "\(removed.candles) candles, \(removed.predictions) predictions, \(removed.features) vectors and "
        + "\(removed.rest) other rows removed"
    default:
      let since = now.adding(minutes: -policy.predictionsDays * 1440)
      let result = try AccuracyRollUp(now: now, since: since).run(in: store)
      return "\(result.outcomes) outcomes, \(result.rows) rows of prediction_accuracy"
    }
  }
}

extension CommandContext {
  /// A knob of `auto`, `on` and `off`, where `auto` is on in PostgreSQL.
  func isWanted(_ knob: String) -> Bool {
    switch configuration.text(knob) {
    case "on": true
    case "off": false
    default: if case .duckDB = store { false } else { true }
    }
  }
}

/// Raised once, seen from everywhere.
private final class Flag: Sendable {
  private let value = Atomic(false)

  var isUp: Bool { value.load(ordering: .relaxed) }

  func raise() { value.store(true, ordering: .relaxed) }
}
