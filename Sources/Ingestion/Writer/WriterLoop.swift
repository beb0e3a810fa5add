internal import Glibc
internal import Platform
import Storage
internal import Synchronization

/// What the writer's thread does.
struct WriterLoop {
  private let core: WriterCore
  private let limits: LiveWriter.Limits
  private let report: @Sendable (LiveWriter.Event) -> Void
  private let open: @Sendable () throws(StoreError) -> any Store
  /// `nil` after a failure, until it is opened again.
  private var store: (any Store)?
  /// Taken, and not committed yet.
  private var inHand: [WaitingBatch] = []
  private var failures = 0
  /// By the steady clock.
  private var retryNanoseconds: Int64 = 0
  private var measureNanoseconds: Int64 = 0
  private var foldNanoseconds: Int64 = 0

  private init(
    _ core: WriterCore, _ limits: LiveWriter.Limits, _ report: @escaping @Sendable (LiveWriter.Event) -> Void,
    _ open: @escaping @Sendable () throws(StoreError) -> any Store
  ) {
    (self.core, self.limits, self.report, self.open) = (core, limits, report, open)
  }

  /// Opens the store on a new thread and lets it run; returns when the store is open.
  static func start(
    _ core: WriterCore, _ limits: LiveWriter.Limits, report: @escaping @Sendable (LiveWriter.Event) -> Void,
    open: @escaping @Sendable () throws(StoreError) -> any Store
  ) throws(StoreError) {
    let opening = Opening()
    do throws(DedicatedThread.CannotStart) {
      try DedicatedThread.start {
        var loop = WriterLoop(core, limits, report, open)
        do throws(StoreError) {
          _ = try loop.openedStore()
          opening.finish(.success(()))
        } catch {
          return opening.finish(.failure(error))
        }
        loop.run()
      }
    } catch {
      throw .failed(path: "writer", reason: error.description)
    }
    try opening.wait().get()
  }

  private mutating func run() {
    while true {
      for request in core.takeRequests() { answer(request) }
      if inHand.isEmpty { inHand = core.takeBatches() }
      if !inHand.isEmpty {
        if let error = commitWhenDue() { return end(.stopped(error)) }
      } else {
        foldLog(above: limits.logBytes)
        if core.isEnding { return end(.closed) }
        core.rest(seconds: nil)
      }
    }
  }

  private mutating func answer(_ request: WriterCore.Request) {
    do {
      request(.success(try openedStore()))
    } catch {
      request(.failure(error))
    }
  }

  private mutating func openedStore() throws(StoreError) -> any Store {
    if let store { return store }
    let opened = try open()
    try opened.checkpointOnRequestOnly()
    store = opened
    return opened
  }

  /// Returns the error that ends everything.
  private mutating func commitWhenDue() -> StoreError? {
    let wait = retryNanoseconds - SystemClock.monotonicNanoseconds()
    if failures > 0, wait > 0, !core.isEnding {
      core.rest(seconds: Double(wait) / 1e9, evenWithBatches: true)
      return nil
    }
    do {
      let store = try openedStore()
      let outcomes = try store.commit(inHand.map(\.batch))
      let group = inHand
      inHand = []
      recover()
      core.committed(group, outcomes, logBytes: store.logBytes)
      try measure(store)
      foldLog(above: 4 * limits.logBytes)
      return nil
    } catch {
      return fail(error as? StoreError ?? .failed(path: store?.name ?? "the store", reason: "\(error)"))
    }
  }

  /// It takes a statement, so it is not done at every commit.
  private mutating func measure(_ store: any Store) throws {
    let now = SystemClock.monotonicNanoseconds()
    guard now >= measureNanoseconds else { return }
    measureNanoseconds = now + 5_000_000_000
    let bytes = try store.memoryBytes
    core.note { $0.storeBytes = bytes }
  }

  private mutating func recover() {
    if failures > 0 { report(.recovered(attempts: failures)) }
    failures = 0
  }

  private mutating func fail(_ error: StoreError) -> StoreError? {
    failures += 1
    core.note { statistics in
      statistics.failures += 1
      statistics.failure = error
    }
    // A database that could not write may refuse everything else; a fresh one starts from what is in the file.
    store = nil
    if core.isEnding || !error.mayPass(attempts: failures, of: limits.attempts) {
      report(.stopped(error))
      return error
    }
    let doubled = limits.retrySeconds.lowerBound * Double(1 << min(20, failures - 1))
    let seconds = min(limits.retrySeconds.upperBound, doubled)
    retryNanoseconds = SystemClock.monotonicNanoseconds() + Int64(seconds * 1e9)
    report(.failed(error, attempt: failures, retryInSeconds: seconds))
    return nil
  }

  /// The log may stay as it is; it is tried again after the next commit.
  private mutating func foldLog(above bytes: Int) {
    guard let store, store.logBytes > bytes, SystemClock.monotonicNanoseconds() >= foldNanoseconds else { return }
    do throws(StoreError) {
      guard try store.checkpoint() else {
        // Whoever reads may take minutes, and the attempt costs more than a commit.
        foldNanoseconds = SystemClock.monotonicNanoseconds() + Int64(limits.foldAgainSeconds * 1e9)
        return
      }
      let left = store.logBytes
      core.note { statistics in
        statistics.checkpoints += 1
        statistics.logBytes = left
      }
    } catch {
      core.note { $0.failures += 1 }
      report(.failed(error, attempt: 1, retryInSeconds: 0))
      self.store = nil
    }
  }

  private mutating func end(_ reason: LiveWriterError) {
    store = nil
    core.ended(reason, inHand)
  }
}

/// Hands the outcome of opening from one thread to another.
private final class Opening: Sendable {
  private let result = Mutex<Result<Void, StoreError>?>(nil)
  private let bell = Bell()

  func finish(_ result: Result<Void, StoreError>) {
    self.result.withLock { $0 = result }
    bell.ring()
  }

  func wait() -> Result<Void, StoreError> {
    while true {
      bell.wait(seconds: nil)
      if let result = result.withLock(\.self) { return result }
    }
  }
}

extension StoreError {
  /// Another attempt may succeed.
  fileprivate func mayPass(attempts: Int, of limit: Int) -> Bool {
    // A reader that was lent the store before it failed; its end is what is waited for.
    if isHeldHere { return true }
    return switch self {
    case .diskFull, .unavailable: true
    case .failed, .locked, .cannotOpen, .refused: attempts < limit
    case .libraryMissing, .libraryUnusable, .absent, .corrupt, .foreign, .newerSchema, .outdated, .alteredSchema,
      .unreadable:
      false
    }
  }
}
