internal import Glibc
internal import Platform
import Storage
internal import Synchronization

/// What the submitters and the writer's thread share.
final class WriterCore: Sendable {
  typealias Completion = @Sendable (Result<LiveWriter.Receipt, LiveWriterError>) -> Void
  typealias Done = @Sendable (Result<Void, LiveWriterError>) -> Void
  typealias Request = @Sendable (Result<any Store, any Error>) -> Void

  private struct State {
    var queue: WriterQueue
    /// Batches that found the queue full, with what lets their submitters go on.
    var outside: [(batch: WaitingBatch, admitted: Done)] = []
    var requests: [Request] = []
    /// To be called when the batch of a number, and so all before it, is committed.
    var flushes: [(number: Int, done: Done)] = []
    var ends: [Done] = []
    var submitted = 0
    var committed = 0
    var isResting = false
    var isEnding = false
    /// How the thread has ended.
    var end: LiveWriterError?
    var statistics = WriterStatistics()

    var hasWork: Bool { isEnding || !queue.isEmpty || !requests.isEmpty }

    /// Lets in what waits outside as far as there is room.
    mutating func admit() -> [Done] {
      var admitted: [Done] = []
      while admitted.count < outside.count, queue.hasRoom(for: outside[admitted.count].batch) {
        queue.append(outside[admitted.count].batch)
        admitted.append(outside[admitted.count].admitted)
      }
      outside.removeFirst(admitted.count)
      return admitted
    }
  }

  private let state: Mutex<State>
  private let bell = Bell()

  init(_ limits: LiveWriter.Limits) { state = Mutex(State(queue: WriterQueue(limits))) }

  var statistics: WriterStatistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.queuedBatches = state.queue.count + state.outside.count
      statistics.queuedCandles = state.queue.candles
      statistics.queuedBytes = state.queue.bytes
      return statistics
    }
  }

  // MARK: For submitters

  func submit(
    _ batch: LiveBatch, receivedNanoseconds: Int64?, _ completion: @escaping Completion, admitted: @escaping Done
  ) {
    let isAdmitted: Result<Void, LiveWriterError>? = change { state in
      if let end = state.end { return .failure(end) }
      if state.isEnding { return .failure(.closed) }
      state.submitted += 1
      let waiting = WaitingBatch(
        batch, number: state.submitted, receivedNanoseconds: receivedNanoseconds ?? SystemClock.wallNanoseconds(),
        queuedNanoseconds: SystemClock.monotonicNanoseconds(), completion: completion)
      guard state.outside.isEmpty, state.queue.hasRoom(for: waiting) else {
        state.outside.append((waiting, admitted))
        state.statistics.waits += 1
        return nil
      }
      state.queue.append(waiting)
      return .success(())
    }
    if case .failure(let end) = isAdmitted { completion(.failure(end)) }
    if let isAdmitted { admitted(isAdmitted) }
  }

  func request(_ body: @escaping Request) {
    let end: LiveWriterError? = change { state in
      if state.end == nil { state.requests.append(body) }
      return state.end
    }
    if let end { body(.failure(end)) }
  }

  func whenCommitted(_ done: @escaping Done) {
    let result: Result<Void, LiveWriterError>? = change { state in
      if state.committed == state.submitted { return .success(()) }
      if let end = state.end { return .failure(end) }
      state.flushes.append((state.submitted, done))
      return nil
    }
    if let result { done(result) }
  }

  func whenEnded(_ done: @escaping Done) {
    let end: LiveWriterError? = change { state in
      if state.end == nil { state.ends.append(done) }
      return state.end
    }
    if let end { done(end.asEnd) }
  }

  func end() { change { $0.isEnding = true } }

  /// Changes the state and wakes the thread if that gives it work.
  private func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
    let (value, wakes) = state.withLock { state in
      let value = body(&state)
      let wakes = state.isResting && state.hasWork
      if wakes { state.isResting = false }
      return (value, wakes)
    }
    if wakes { bell.ring() }
    return value
  }

  // MARK: For the thread

  var isEnding: Bool { state.withLock { $0.isEnding } }

  func takeRequests() -> [Request] {
    state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  func takeBatches() -> [WaitingBatch] {
    let (group, admitted) = state.withLock { state in
      let group = state.queue.take(at: SystemClock.monotonicNanoseconds())
      return (group, state.admit())
    }
    for done in admitted { done(.success(())) }
    return group
  }

  /// Waits for work, or so long.
  func rest(seconds: Double?, evenWithBatches: Bool = false) {
    let mayRest = state.withLock { state in
      state.isResting = evenWithBatches ? state.requests.isEmpty && !state.isEnding : !state.hasWork
      return state.isResting
    }
    if mayRest { bell.wait(seconds: seconds) }
  }

  func note(_ change: (inout WriterStatistics) -> Void) { state.withLock { change(&$0.statistics) } }

  func committed(_ group: [WaitingBatch], _ outcomes: [[CandleOutcome]], logBytes: Int) {
    let now = SystemClock.wallNanoseconds()
    let latencies = group.map { max(0, now - $0.receivedNanoseconds) / 1000 }
    let flushed = state.withLock { state in
      state.statistics.note(outcomes, latencies, logBytes: logBytes)
      state.committed = group.last?.number ?? state.committed
      let flushed = state.flushes.prefix { $0.number <= state.committed }
      state.flushes.removeFirst(flushed.count)
      return flushed.map(\.done)
    }
    for (index, batch) in group.enumerated() {
      batch.completion(.success(.init(outcomes: outcomes[index], latencyMicroseconds: latencies[index])))
    }
    for done in flushed { done(.success(())) }
  }

  /// Refuses everything from now on.
  func ended(_ end: LiveWriterError, _ inHand: [WaitingBatch]) {
    let left = state.withLock { state in
      state.end = end
      let left = state
      (state.outside, state.requests, state.flushes, state.ends) = ([], [], [], [])
      _ = state.queue.takeAll()
      return left
    }
    var queue = left.queue
    for batch in inHand + queue.takeAll() + left.outside.map(\.batch) { batch.completion(.failure(end)) }
    for waiting in left.outside { waiting.admitted(.failure(end)) }
    for flush in left.flushes { flush.done(.failure(end)) }
    for request in left.requests { request(.failure(end)) }
    for done in left.ends { done(end.asEnd) }
  }
}

extension LiveWriterError {
  /// A writer that was closed has ended well.
  fileprivate var asEnd: Result<Void, LiveWriterError> { self == .closed ? .success(()) : .failure(self) }
}

extension WriterStatistics {
  fileprivate mutating func note(_ outcomes: [[CandleOutcome]], _ microseconds: [Int64], logBytes: Int) {
    transactions += 1
    failure = nil
    self.logBytes = logBytes
    for (outcomes, microseconds) in zip(outcomes, microseconds) where !outcomes.isEmpty {
      latency.add(microseconds: microseconds, weight: outcomes.count)
      for outcome in outcomes {
        switch outcome {
        case .new: newCandles += 1
        case .revised: revisedCandles += 1
        case .unchanged: unchangedCandles += 1
        }
      }
    }
  }
}
