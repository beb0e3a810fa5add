internal import Synchronization

/// Commands that go out together and the caller who waits for their answers. It ends once, whoever ends it first.
final class PendingCall: Sendable {
  typealias Outcome = Result<[RedisValue], RedisError>

  private enum State {
    case new
    case waiting(CheckedContinuation<Outcome, Never>)
    case finished(Outcome)
  }

  let bytes: [UInt8]
  /// Names of the commands, in order.
  let names: [String]
  /// By the loop's clock.
  let deadline: Int64
  let timeoutMilliseconds: Int
  private let state = Mutex(State.new)

  init(_ commands: [RedisCommand], now: Int64, timeout: Duration) {
    var bytes: [UInt8] = []
    for command in commands { command.write(to: &bytes) }
    self.bytes = bytes
    names = commands.map(\.name)
    let nanoseconds = timeout.nanoseconds
    deadline = now &+ nanoseconds
    timeoutMilliseconds = Int(nanoseconds / 1_000_000)
  }

  var isFinished: Bool {
    state.withLock { state in
      if case .finished = state { true } else { false }
    }
  }

  /// False if it has ended already: then the caller has been answered.
  func begin(_ continuation: CheckedContinuation<Outcome, Never>) -> Bool {
    let early: Outcome? = state.withLock { state in
      if case .finished(let outcome) = state { return outcome }
      state = .waiting(continuation)
      return nil
    }
    if let early { continuation.resume(returning: early) }
    return early == nil
  }

  /// Does nothing the second time.
  func finish(_ outcome: Outcome) {
    let continuation: CheckedContinuation<Outcome, Never>? = state.withLock { state in
      defer { if case .finished = state {} else { state = .finished(outcome) } }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(returning: outcome)
  }
}

extension Duration {
  /// At most a day, at least nothing.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return Swift.min(86400, Swift.max(0, seconds)) * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
