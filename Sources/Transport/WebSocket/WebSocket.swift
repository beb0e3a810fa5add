/// A client's open socket. Dropping the last reference closes it.
///
/// A consumer that lags loses the oldest messages, never the newest: what it gets is fresh, the hole stands in
/// `lostBefore` of the message behind it, and `droppedMessages` counts them all.
package final class WebSocket: Sendable {
  package struct Heartbeats: Hashable, Sendable {
    /// Each was answered with its own payload.
    package var pingsReceived = 0
    package var pingsSent = 0
    package var pongsReceived = 0
  }

  /// Of the server's answer to the upgrade.
  package let headers: [HTTPHeader]
  package let isCompressed: Bool
  private let host: String
  private let channel: SocketChannel
  private let transfer: SocketTransfer
  private let service: CurlService
  /// The thread ends with the client, so the client lives as long as its sockets.
  private let owner: WebSocketClient

  init(
    headers: [HTTPHeader], isCompressed: Bool, host: String, _ channel: SocketChannel, _ transfer: SocketTransfer,
    _ service: CurlService, _ owner: WebSocketClient
  ) {
    (self.headers, self.isCompressed, self.host) = (headers, isCompressed, host)
    (self.channel, self.transfer, self.service, self.owner) = (channel, transfer, service, owner)
  }

  deinit { close() }

  /// The next message in order; `nil` once the socket is closed and everything received was taken, or the waiting
  /// task is cancelled.
  package func next() async -> ReceivedMessage? { await channel.next() }

  /// Returns when the message is queued; waits while `unsentBytes` are queued before it.
  package func send(_ message: WebSocketMessage) async throws(TransportError) {
    guard await channel.enqueue(message) else {
      throw Task.isCancelled ? .cancelled(host: host) : .closed(host: host)
    }
    if channel.takeCall() { service.call(transfer) }
  }

  /// Sends what is queued, then a close frame, and waits at most two seconds for the peer's. Returns at once.
  package func close(code: UInt16 = 1000, reason: String = "") {
    precondition(CloseCode.isSendable(code), "close code \(code) may not be sent")
    channel.requestClose(code, reason)
    if channel.takeCall() { service.call(transfer) }
  }

  /// `nil` while it is open.
  package var closing: Closing? { channel.closing }
  package var droppedMessages: Int { channel.droppedMessages }
  package var heartbeats: Heartbeats { channel.heartbeats }
}
