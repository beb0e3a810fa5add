import Synchronization

/// A WebSocket that a client opened. All calls may come from any thread.
package final class ServerSocket: Sendable, Identifiable {
  private struct State: ~Copyable {
    var outbox = Queue<WebSocketMessage>()
    var outboxBytes = 0
    var requestedClose: (code: UInt16, reason: String)?
    var closing: Closing?
    /// The service thread knows that there is something to do.
    var isCalled = false
  }

  /// Unique in its server.
  package let id: Int
  /// Path and query as they were sent.
  package let target: String
  private let head: Head
  private let core: ServerCore
  private let connection: ServerConnection
  private let state = Mutex(State())

  init(_ id: Int, _ request: RequestHead, _ connection: ServerConnection, _ core: ServerCore) {
    (self.id, target, head, self.connection, self.core) = (id, request.target, request.head, connection, core)
  }

  package var path: Substring { target.prefix { $0 != "?" } }
  /// Of the upgrade request.
  package var headers: [HTTPHeader] { head.headers }
  package func header(_ name: String) -> String? { head.first(name) }

  /// `nil` while it is open.
  package var closing: Closing? { state.withLock { $0.closing } }
  /// Messages that wait to be sent.
  package var unsentMessages: Int { state.withLock { $0.outbox.count } }

  /// Queues a message. Returns false, and drops it, when `Options.unsentMessages` or `unsentBytes` are waiting already
  /// or the socket is closed: a client that does not keep up costs nobody else memory.
  @discardableResult
  package func send(_ message: WebSocketMessage) -> Bool {
    let (isQueued, calls) = queue(message)
    if calls { core.post(.write([connection])) }
    return isQueued
  }

  /// Queues one message for many, as `send` for each, but wakes each server once for all. Returns those that did not
  /// take it.
  package static func send(_ message: WebSocketMessage, to sockets: some Sequence<ServerSocket>) -> [ServerSocket] {
    var refusing: [ServerSocket] = []
    var calls: [(core: ServerCore, connections: [ServerConnection])] = []
    for socket in sockets {
      let (isQueued, isCalling) = socket.queue(message)
      if !isQueued { refusing.append(socket) }
      guard isCalling else { continue }
      if let place = calls.firstIndex(where: { $0.core === socket.core }) {
        calls[place].connections.append(socket.connection)
      } else {
        calls.append((socket.core, [socket.connection]))
      }
    }
    for call in calls { call.core.post(.write(call.connections)) }
    return refusing
  }

  /// Returns whether it was taken, and whether the service thread has to be told.
  private func queue(_ message: WebSocketMessage) -> (isQueued: Bool, calls: Bool) {
    state.withLock { state in
      guard state.closing == nil, state.requestedClose == nil, state.outbox.count < core.options.unsentMessages,
        state.outboxBytes < core.options.unsentBytes
      else { return (false, false) }
      state.outbox.append(message)
      state.outboxBytes += message.bytes.count
      defer { state.isCalled = true }
      return (true, !state.isCalled)
    }
  }

  /// Sends what is queued, then a close frame, and waits at most two seconds for the peer's.
  package func close(code: UInt16 = 1000, reason: String = "") {
    precondition(CloseCode.isSendable(code), "close code \(code) may not be sent")
    let calls = state.withLock { state -> Bool in
      if state.requestedClose == nil { state.requestedClose = (code, reason) }
      defer { state.isCalled = true }
      return !state.isCalled
    }
    if calls { core.post(.write([connection])) }
  }

  /// Drops the connection without a close frame.
  package func abort() { core.post(.abort(connection)) }

  // MARK: the service thread's side

  func takeOutgoing() -> WebSocketMessage? {
    state.withLock { state in
      let message = state.outbox.popFirst()
      state.outboxBytes -= message?.bytes.count ?? 0
      if message == nil { state.isCalled = false }
      return message
    }
  }

  /// Once everything queued before it is taken.
  func closeRequest() -> (code: UInt16, reason: String)? {
    state.withLock { $0.outbox.isEmpty ? $0.requestedClose : nil }
  }

  /// The first one counts.
  func finish(_ closing: Closing) {
    state.withLock { state in
      if state.closing == nil { state.closing = closing }
      state.outbox = Queue()
      state.outboxBytes = 0
    }
  }
}
