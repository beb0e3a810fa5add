internal import Glibc
internal import Synchronization

/// What callers and the loop share: calls to be sent, and what is known of the server.
final class CallQueue: Sendable {
  private struct State {
    var waiting: [PendingCall] = []
    /// Of the calls that wait and of those that were sent.
    var calls = 0
    var bytes = 0
    /// While the server cannot be had, calls are answered with this at once.
    var refusal: RedisError?
    var isClosed = false
    var hasSignalled = false
    var statistics = RedisStatistics()
  }

  let options: RedisOptions
  /// Readable when the loop has something to look at.
  let wakeDescriptor: Int32
  private let signalDescriptor: Int32
  private let state = Mutex(State())

  init(_ options: RedisOptions) throws(RedisError) {
    self.options = options
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .cannotStart(reason: String(cString: strerror(errno))) }
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    (wakeDescriptor, signalDescriptor) = (ends[0], ends[1])
  }

  deinit {
    Glibc.close(wakeDescriptor)
    Glibc.close(signalDescriptor)
  }

  private var server: String { options.address.description }

  // MARK: Callers

  func submit(_ call: PendingCall) {
    let refusal: RedisError? = state.withLock { state in
      if let refusal = self.refusal(of: call, state) {
        state.statistics.refusals += 1
        return refusal
      }
      state.waiting.append(call)
      state.calls += 1
      state.bytes += call.bytes.count
      wakeLoop(&state)
      return nil
    }
    if let refusal { call.finish(.failure(refusal)) }
  }

  private func refusal(of call: PendingCall, _ state: State) -> RedisError? {
    if state.isClosed { return .closed(server: server) }
    if let refusal = state.refusal { return refusal }
    if state.calls >= options.mostCalls { return .overloaded(server: server, limit: options.mostCalls) }
    if state.bytes + call.bytes.count > options.mostBytes {
      return .overloaded(server: server, limit: options.mostBytes)
    }
    return nil
  }

  func close() {
    state.withLock { state in
      state.isClosed = true
      wakeLoop(&state)
    }
  }

  var statistics: RedisStatistics { state.withLock(\.statistics) }

  private func wakeLoop(_ state: inout State) {
    guard !state.hasSignalled else { return }
    state.hasSignalled = true
    var byte: UInt8 = 1
    _ = write(signalDescriptor, &byte, 1)
  }

  // MARK: The loop

  var isClosed: Bool { state.withLock(\.isClosed) }

  func take() -> [PendingCall] {
    state.withLock { state in
      defer { state.waiting.removeAll(keepingCapacity: state.waiting.count < 256) }
      return state.waiting
    }
  }

  /// From now on a new call makes the descriptor readable again.
  func resetSignal() {
    state.withLock { state in
      guard state.hasSignalled else { return }
      state.hasSignalled = false
      var byte: UInt8 = 0
      _ = read(wakeDescriptor, &byte, 1)
    }
  }

  /// These wait no more.
  func discharge(calls: Int, bytes: Int) {
    state.withLock { state in
      state.calls -= calls
      state.bytes -= bytes
    }
  }

  /// Ends those that wait and are late or were given up.
  ///
  /// - Returns: the next time that one is late.
  func expire(now: Int64) -> Int64 {
    let (late, next) = state.withLock { state in
      let late = state.waiting.filter { $0.deadline <= now || $0.isFinished }
      guard !late.isEmpty else { return (late, state.waiting.map(\.deadline).min() ?? .max) }
      state.waiting.removeAll { $0.deadline <= now || $0.isFinished }
      state.calls -= late.count
      state.bytes -= late.reduce(0) { $0 + $1.bytes.count }
      state.statistics.timeouts += UInt64(late.count { !$0.isFinished })
      return (late, state.waiting.map(\.deadline).min() ?? .max)
    }
    for call in late { call.finish(.failure(timeout(call))) }
    return next
  }

  func timeout(_ call: PendingCall) -> RedisError {
    .timeout(server: server, command: call.names.first ?? "", milliseconds: call.timeoutMilliseconds)
  }

  func count(_ change: (inout RedisStatistics) -> Void) { state.withLock { change(&$0.statistics) } }

  func connected() {
    state.withLock { state in
      state.refusal = nil
      state.statistics.isConnected = true
      state.statistics.connections += 1
    }
  }

  func lost(_ trouble: RedisError) {
    state.withLock { state in
      state.statistics.isConnected = false
      state.statistics.lostConnections += 1
      state.statistics.lastTrouble = trouble
    }
  }

  /// The server cannot be had for now; nobody waits for it.
  func failed(_ trouble: RedisError) {
    state.withLock { state in
      state.refusal = trouble
      state.statistics.failedAttempts += 1
      state.statistics.lastTrouble = trouble
    }
    refuseWaiting(trouble)
  }

  func refuseWaiting(_ trouble: RedisError) {
    let calls = take()
    discharge(calls: calls.count, bytes: calls.reduce(0) { $0 + $1.bytes.count })
    for call in calls { call.finish(.failure(trouble)) }
  }
}
