import Synchronization

/// A WebSocket that a client opened. All calls may come from any thread.
package final class ServerSocket: Sendable, Identifiable {
  /// Unique in its server.
  package let id: Int
  /// Path and query as they were sent.
  package let target: String
  private let head: Head
  private let core: ServerCore
  let connection: ServerConnection
  /// Of what it has taken, and the kernel not yet.
  private let unsentCount = Atomic(0)
  private let unsentBytes = Atomic(0)
  /// It takes no more messages.
  private let isEnding = Atomic(false)
  private let end = Mutex<Closing?>(nil)

  init(_ id: Int, _ request: RequestHead, _ connection: ServerConnection, _ core: ServerCore) {
    (self.id, target, head, self.connection, self.core) = (id, request.target, request.head, connection, core)
  }

  package var path: Substring { target.prefix { $0 != "?" } }
  /// Of the upgrade request.
  package var headers: [HTTPHeader] { head.headers }
  package func header(_ name: String) -> String? { head.first(name) }

  /// `nil` while it is open.
  package var closing: Closing? { end.withLock(\.self) }
  /// Messages that wait to be sent.
  package var unsentMessages: Int { unsentCount.load(ordering: .relaxed) }

  /// Queues a message. Returns false, and drops it, when `Options.unsentMessages` or `unsentBytes` are waiting already
  /// or the socket is closed: a client that does not keep up costs nobody else memory.
  @discardableResult
  package func send(_ message: WebSocketMessage) -> Bool {
    guard takes(message.bytes.count) else { return false }
    core.post(.tell(message, [self]))
    return true
  }

  /// Queues one message for many, as `send` for each, but wakes each server once for all. Returns those that did not
  /// take it.
  package static func send(_ message: WebSocketMessage, to sockets: [ServerSocket]) -> [ServerSocket] {
    guard let core = sockets.first?.core else { return [] }
    let bytes = message.bytes.count
    var refusing: [ServerSocket] = []
    var areOfOneServer = true
    for socket in sockets {
      if !socket.takes(bytes) { refusing.append(socket) }
      if socket.core !== core { areOfOneServer = false }
    }
    // The usual case, in which nobody's reference is counted before the first one is told.
    if refusing.isEmpty, areOfOneServer {
      core.post(.tell(message, sockets))
      return []
    }
    let left = Set(refusing.map { ObjectIdentifier($0) })
    let taking = sockets.filter { !left.contains(ObjectIdentifier($0)) }
    for part in Dictionary(grouping: taking, by: { ObjectIdentifier($0.core) }).values {
      part[0].core.post(.tell(message, part))
    }
    return refusing
  }

  private func takes(_ bytes: Int) -> Bool {
    guard !isEnding.load(ordering: .relaxed),
      unsentBytes.load(ordering: .relaxed) < core.options.unsentBytes
    else { return false }
    guard unsentCount.add(1, ordering: .relaxed).oldValue < core.options.unsentMessages else {
      unsentCount.subtract(1, ordering: .relaxed)
      return false
    }
    unsentBytes.add(bytes, ordering: .relaxed)
    return true
  }

  /// Sends what is queued, then a close frame, and waits at most two seconds for the peer's.
  package func close(code: UInt16 = 1000, reason: String = "") {
    precondition(CloseCode.isSendable(code), "close code \(code) may not be sent")
    // The first one counts.
    guard !isEnding.exchange(true, ordering: .relaxed) else { return }
    core.post(.close(connection, code: code, reason: reason))
  }

  /// Drops the connection without a close frame.
  package func abort() { core.post(.abort(connection)) }

  // MARK: the service thread's side

  /// The kernel, or what waits for it, has a message of so many bytes.
  func sent(_ bytes: Int) {
    unsentCount.subtract(1, ordering: .relaxed)
    unsentBytes.subtract(bytes, ordering: .relaxed)
  }

  /// The first one counts.
  func finish(_ closing: Closing) {
    isEnding.store(true, ordering: .relaxed)
    end.withLock { if $0 == nil { $0 = closing } }
  }
}
