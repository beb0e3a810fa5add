package struct WebSocketRequest: Sendable {
  /// `ws` or `wss`.
  package var url: String
  package var headers: [HTTPHeader]
  /// Offers permessage-deflate; the server may decline.
  package var usesCompression: Bool
  /// A larger message closes the socket with 1009.
  package var maxMessageBytes: Int
  /// What waits for `next` at most; beyond it the oldest messages are dropped and counted.
  package var bufferedMessages: Int
  package var bufferedBytes: Int
  /// What waits to be sent at most; beyond it `send` waits.
  package var unsentBytes: Int
  /// Until the upgrade is answered.
  package var connectTimeoutSeconds: Double
  /// A ping after this long without a byte from the peer, and the end after as long again. `nil` sends none.
  package var pingIntervalSeconds: Double?

  package init(
    url: String, headers: [HTTPHeader] = [], usesCompression: Bool = false, maxMessageBytes: Int = 16 << 20,
    bufferedMessages: Int = 4096, bufferedBytes: Int = 64 << 20, unsentBytes: Int = 16 << 20,
    connectTimeoutSeconds: Double = 10, pingIntervalSeconds: Double? = nil
  ) {
    (self.url, self.headers, self.usesCompression) = (url, headers, usesCompression)
    (self.maxMessageBytes, self.bufferedMessages, self.bufferedBytes) = (
      maxMessageBytes, bufferedMessages, bufferedBytes
    )
    (self.unsentBytes, self.connectTimeoutSeconds) = (unsentBytes, connectTimeoutSeconds)
    self.pingIntervalSeconds = pingIntervalSeconds
  }
}

/// Any number of WebSockets on one thread. libcurl connects them (names, proxies, TLS); the protocol is our own.
package final class WebSocketClient: Sendable {
  package struct Options: Sendable {
    /// As for `HTTPClient`.
    package var proxy: String?
    /// Certificates to trust instead of the system's, in PEM.
    package var caFile: String?
    package var userAgent: String

    package init(proxy: String? = nil, caFile: String? = nil, userAgent: String = "candlecast") {
      (self.proxy, self.caFile, self.userAgent) = (proxy, caFile, userAgent)
    }
  }

  private let options: Options
  private let service: CurlService

  package init(_ options: Options = .init()) throws(TransportError) {
    self.options = options
    service = try CurlService(maxConnections: 0)
  }

  deinit { service.stop() }

  /// Cancelling the task gives up at once.
  package func connect(_ request: WebSocketRequest) async throws(TransportError) -> WebSocket {
    let transfer = try SocketTransfer(request, options, service, self)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        transfer.finishConnect = { continuation.resume(returning: $0) }
        service.start(transfer)
        if Task.isCancelled { service.cancel(transfer) }
      }
    } onCancel: {
      service.cancel(transfer)
    }
    return try result.get()
  }

  /// Drops all sockets at once and ends the thread. Close them first to be polite.
  package func stop() { service.stop() }
}
