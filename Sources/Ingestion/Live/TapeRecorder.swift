package import Platform
internal import Synchronization
package import Tape

/// A tape with a thread of its own, so that a disk that hangs holds nobody up for ever.
///
/// Records are handed over through a queue of bounded size. When that is full, or when whoever watches gives up, recording
/// ends and says so: a tape with a hole could not be played back. What comes later is counted and let go.
package final class TapeRecorder: Sendable {
  package struct Facts: Hashable, Sendable {
    package var counts = TapeWriter.Counts()
    package var folderBytes = 0
    /// Why nothing more is recorded; `nil` while it is.
    package var failure: TapeError?
  }

  /// Somebody who waits until what was handed over before is written.
  private struct Waiter {
    let number: Int
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct Work {
    var records: [TapeRecord] = []
    var bytes = 0
    var time: Int64?
    var isAwaited = false
    var isLast = false
  }

  private struct State {
    var next = Work()
    var waiters: [Waiter] = []
    var lastWaiter = 0
    var isWriting = false
    var passes = 0
    var isClosed = false
    var facts = Facts()
    /// Records that were handed over in vain, or not at all.
    var lost = 0
  }

  private let folder: String
  private let capacityBytes: Int
  /// Used by the thread alone.
  private let writer: Mutex<TapeWriter>
  private let beforeWriting: @Sendable () -> Void
  private let state = Mutex(State())
  private let bell = Bell()

  /// How many records, or for how long by their own time, are handed over together.
  private static let batchRecords = 64
  private static let batchNanoseconds: Int64 = 100_000_000
  /// What a record takes besides its payload.
  private static let recordBytes = 128

  /// - Parameters:
  ///   - folder: of the tape, for what is said about it.
  ///   - beforeWriting: called on the thread before each writing.
  package init(
    _ writer: sending TapeWriter, folder: String, capacityBytes: Int = 64 << 20,
    beforeWriting: @escaping @Sendable () -> Void = {}
  ) throws(DedicatedThread.CannotStart) {
    let facts = Facts(counts: writer.counts, folderBytes: writer.folderBytes)
    (self.folder, self.capacityBytes, self.beforeWriting) = (folder, capacityBytes, beforeWriting)
    self.writer = Mutex(writer)
    state.withLock { $0.facts = facts }
    try DedicatedThread.start { self.run() }
  }

  package var facts: Facts {
    state.withLock { state in
      var facts = state.facts
      facts.counts.dropped += state.lost
      return facts
    }
  }

  // MARK: Handing over

  package func append(_ record: TapeRecord) {
    let bytes = record.payload.count + Self.recordBytes
    let (isDue, waiters) = state.withLock { state -> (Bool, [Waiter]) in
      guard state.facts.failure == nil, !state.isClosed else {
        state.lost += 1
        return (false, [])
      }
      state.next.records.append(record)
      state.next.bytes += bytes
      guard state.next.bytes <= capacityBytes else {
        return (false, stop(&state, "\(state.next.records.count) records wait for a disk that does not take them"))
      }
      let first = state.next.records[0].arrivalNanoseconds
      let isDue =
        state.next.records.count >= Self.batchRecords
        || record.arrivalNanoseconds.subtractingReportingOverflow(first).partialValue >= Self.batchNanoseconds
      return (isDue && !state.isWriting, [])
    }
    for waiter in waiters { waiter.continuation.resume() }
    if isDue { bell.ring() }
  }

  /// Writes what has waited long enough, also when nothing arrives.
  package func advance(to nanoseconds: Int64) {
    state.withLock { $0.next.time = nanoseconds }
    bell.ring()
  }

  /// Returns when every record so far can be read whatever happens to the process, or when recording has ended.
  package func flush() async { await wait { _ in } }

  /// Writes everything, closes the tape and lets other writers at the folder.
  package func close() async { await wait { $0.next.isLast = true } }

  private func wait(_ change: (inout State) -> Void) async {
    await withCheckedContinuation { continuation in
      let isPending = state.withLock { state in
        guard state.facts.failure == nil, !state.isClosed else { return false }
        change(&state)
        state.next.isAwaited = true
        state.lastWaiter += 1
        state.waiters.append(Waiter(number: state.lastWaiter, continuation: continuation))
        return true
      }
      if isPending { bell.ring() } else { continuation.resume() }
    }
  }

  // MARK: Watching

  /// How often the thread has written; with `isBusy` it tells whether the disk hangs.
  package var passes: Int { state.withLock { $0.passes } }

  package var isBusy: Bool { state.withLock { $0.isWriting || !$0.waiters.isEmpty } }

  /// Recording ends, and whoever waits goes on.
  package func giveUp(_ reason: String) {
    let waiters = state.withLock { state in
      state.facts.failure == nil && !state.isClosed ? stop(&state, reason) : []
    }
    for waiter in waiters { waiter.continuation.resume() }
    bell.ring()
  }

  private func stop(_ state: inout State, _ reason: String) -> [Waiter] {
    state.facts.failure = .cannotWrite(path: folder, reason: reason)
    state.lost += state.next.records.count
    state.next = Work()
    defer { state.waiters = [] }
    return state.waiters
  }

  // MARK: The thread

  private func run() {
    repeat { bell.wait(seconds: nil) } while pass()
  }

  /// - Returns: whether there may be more to do.
  private func pass() -> Bool {
    let taken = state.withLock { state -> (work: Work, lastWaiter: Int)? in
      guard state.facts.failure == nil else { return nil }
      defer {
        state.next = Work()
        state.isWriting = true
      }
      return (state.next, state.lastWaiter)
    }
    guard let (work, lastWaiter) = taken else { return false }
    beforeWriting()
    let facts = writer.withLock { write(work, with: $0) }
    let (waiters, goesOn) = state.withLock { state -> ([Waiter], Bool) in
      state.isWriting = false
      state.passes += 1
      let failure = state.facts.failure ?? facts.failure
      state.facts = facts
      state.facts.failure = failure
      state.isClosed = work.isLast
      let isOver = failure != nil || work.isLast
      let due = state.waiters.filter { isOver || $0.number <= lastWaiter }
      state.waiters.removeAll { isOver || $0.number <= lastWaiter }
      return (due, !isOver)
    }
    for waiter in waiters { waiter.continuation.resume() }
    return goesOn
  }

  private func write(_ work: Work, with writer: TapeWriter) -> Facts {
    for record in work.records { writer.append(record) }
    if let time = work.time { writer.advance(to: time) }
    if work.isAwaited { writer.flush() }
    if work.isLast { writer.close() }
    var facts = Facts(counts: writer.counts, folderBytes: writer.folderBytes)
    if case .stopped(let error) = writer.state { facts.failure = error }
    return facts
  }
}
