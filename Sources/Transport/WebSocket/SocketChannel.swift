import Synchronization

/// Where the user of a client's socket and the service thread meet: messages on their way in and out.
final class SocketChannel: Sendable {
  struct Limits {
    let messages: Int
    let bytes: Int
    let unsentBytes: Int
  }

  private struct State: ~Copyable {
    var inbox = Queue<ReceivedMessage>()
    var inboxBytes = 0
    /// Dropped since the last delivery, and in all.
    var lost = 0
    var dropped = 0
    var readers: [(id: Int, continuation: CheckedContinuation<ReceivedMessage?, Never>)] = []
    var outbox = Queue<WebSocketMessage>()
    var outboxBytes = 0
    var writers: [(id: Int, continuation: CheckedContinuation<Void, Never>)] = []
    var nextID = 0
    /// The service thread knows that there is something to send.
    var isCalled = false
    var requestedClose: (code: UInt16, reason: String)?
    var closing: Closing?
    var heartbeats = WebSocket.Heartbeats()

    mutating func dropOldest() {
      guard let oldest = inbox.popFirst() else { return }
      inboxBytes -= oldest.message.bytes.count
      lost += 1
      dropped += 1
    }

    mutating func take() -> ReceivedMessage? {
      guard let first = inbox.popFirst() else { return nil }
      inboxBytes -= first.message.bytes.count
      return stamp(first.message, first.arrivalNanoseconds)
    }

    mutating func stamp(_ message: WebSocketMessage, _ arrival: Int64) -> ReceivedMessage {
      defer { lost = 0 }
      return ReceivedMessage(message: message, arrivalNanoseconds: arrival, lostBefore: lost)
    }
  }

  private let limits: Limits
  private let state = Mutex(State())

  init(_ limits: Limits) { self.limits = limits }

  /// What a queued message counts: its bytes, and what a small one takes besides.
  static func cost(_ message: WebSocketMessage) -> Int { message.bytes.count + 64 }

  var closing: Closing? { state.withLock { $0.closing } }
  var droppedMessages: Int { state.withLock { $0.dropped } }
  var heartbeats: WebSocket.Heartbeats { state.withLock { $0.heartbeats } }

  func count(_ change: (inout WebSocket.Heartbeats) -> Void) { state.withLock { change(&$0.heartbeats) } }

  // MARK: in

  func deliver(_ message: WebSocketMessage, at arrival: Int64) {
    let reader = state.withLock { state -> (CheckedContinuation<ReceivedMessage?, Never>, ReceivedMessage)? in
      guard state.closing == nil else { return nil }
      if !state.readers.isEmpty {
        return (state.readers.removeFirst().continuation, state.stamp(message, arrival))
      }
      state.inboxBytes += message.bytes.count
      state.inbox.append(ReceivedMessage(message: message, arrivalNanoseconds: arrival))
      while state.inbox.count > limits.messages || (state.inboxBytes > limits.bytes && state.inbox.count > 1) {
        state.dropOldest()
      }
      return nil
    }
    if let (continuation, message) = reader { continuation.resume(returning: message) }
  }

  func next() async -> ReceivedMessage? {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state -> ReceivedMessage?? in
          if let message = state.take() { return message }
          if state.closing != nil || Task.isCancelled { return .some(nil) }
          state.readers.append((id, continuation))
          return nil
        }
        if let ready { continuation.resume(returning: ready) }
      }
    } onCancel: {
      let reader = state.withLock { state in
        state.readers.firstIndex { $0.id == id }.map { state.readers.remove(at: $0).continuation }
      }
      reader?.resume(returning: nil)
    }
  }

  // MARK: out

  /// Waits while too much is unsent. Returns false once the socket is closed or closing.
  func enqueue(_ message: WebSocketMessage) async -> Bool {
    while true {
      let (isDone, isOpen, id) = state.withLock { state -> (Bool, Bool, Int) in
        guard state.closing == nil, state.requestedClose == nil, !Task.isCancelled else { return (true, false, 0) }
        guard state.outboxBytes < limits.unsentBytes else {
          state.nextID += 1
          return (false, true, state.nextID)
        }
        state.outbox.append(message)
        state.outboxBytes += SocketChannel.cost(message)
        return (true, true, 0)
      }
      if isDone { return isOpen }
      await waitForRoom(id)
    }
  }

  private func waitForRoom(_ id: Int) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isWaiting = state.withLock { state in
          guard state.closing == nil, state.outboxBytes >= limits.unsentBytes, !Task.isCancelled else { return false }
          state.writers.append((id, continuation))
          return true
        }
        if !isWaiting { continuation.resume() }
      }
    } onCancel: {
      let writer = state.withLock { state in
        state.writers.firstIndex { $0.id == id }.map { state.writers.remove(at: $0).continuation }
      }
      writer?.resume()
    }
  }

  /// The next message to send. Whoever takes it reports with `sent` when it is gone.
  func takeOutgoing() -> WebSocketMessage? {
    state.withLock { state in
      let message = state.outbox.popFirst()
      if message == nil { state.isCalled = false }
      return message
    }
  }

  /// Whether the service thread has to be told that something was queued.
  func takeCall() -> Bool {
    state.withLock { state in
      defer { state.isCalled = true }
      return !state.isCalled
    }
  }

  func sent(_ bytes: Int) {
    let writers = state.withLock { state in
      state.outboxBytes -= bytes
      guard state.outboxBytes < limits.unsentBytes else { return [CheckedContinuation<Void, Never>]() }
      defer { state.writers = [] }
      return state.writers.map(\.continuation)
    }
    for writer in writers { writer.resume() }
  }

  // MARK: end

  func requestClose(_ code: UInt16, _ reason: String) {
    state.withLock { if $0.requestedClose == nil { $0.requestedClose = (code, reason) } }
  }

  /// Once everything queued before it is sent.
  func takeCloseRequest() -> (code: UInt16, reason: String)? {
    state.withLock { $0.outbox.isEmpty ? $0.requestedClose : nil }
  }

  /// The first one counts.
  func finish(_ closing: Closing) {
    let (readers, writers) = state.withLock { state in
      if state.closing == nil { state.closing = closing }
      defer { (state.readers, state.writers) = ([], []) }
      return (state.readers.map(\.continuation), state.writers.map(\.continuation))
    }
    for reader in readers { reader.resume(returning: nil) }
    for writer in writers { writer.resume() }
  }
}
