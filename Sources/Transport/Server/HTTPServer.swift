/// HTTP/1.1 and WebSocket on one port and one thread. The protocols are our own: they keep every header and the target's
/// own bytes, and name what they refuse.
package final class HTTPServer: Sendable {
  package struct Options: Sendable {
    /// The address to listen on; `0.0.0.0` and `::` are all of this machine.
    package var host: String
    /// 0 takes a free one.
    package var port: Int
    package var tls: TLS?
    package var maxHeaderBytes: Int
    package var maxBodyBytes: Int
    package var maxConnections: Int
    /// Between two requests, and for a client that does not read.
    package var idleTimeoutSeconds: Double
    /// From a request's first byte to its last.
    package var requestTimeoutSeconds: Double
    /// Accepts permessage-deflate. Messages are compressed alone, so that no connection keeps a window.
    package var usesCompression: Bool
    package var maxMessageBytes: Int
    /// What may wait for one WebSocket's client.
    package var unsentMessages: Int
    package var unsentBytes: Int
    /// The kernel's buffer of one WebSocket.
    package var sendBufferBytes: Int
    /// A ping after this long without a byte from the client, and the end after as long again. `nil` sends none.
    package var pingIntervalSeconds: Double?
    /// A message for as many WebSockets is sent by all processors, one for fewer by one.
    package var broadcastSockets: Int

    package struct TLS: Sendable {
      /// PEM files.
      package var certificateFile: String
      package var keyFile: String

      package init(certificateFile: String, keyFile: String) {
        (self.certificateFile, self.keyFile) = (certificateFile, keyFile)
      }
    }

    package init(
      host: String = "127.0.0.1", port: Int = 0, tls: TLS? = nil, maxHeaderBytes: Int = 16 << 10,
      maxBodyBytes: Int = 8 << 20, maxConnections: Int = 16_384, idleTimeoutSeconds: Double = 75,
      requestTimeoutSeconds: Double = 15, usesCompression: Bool = false, maxMessageBytes: Int = 4 << 20,
      unsentMessages: Int = 1024, unsentBytes: Int = 4 << 20, sendBufferBytes: Int = 64 << 10,
      pingIntervalSeconds: Double? = 30, broadcastSockets: Int = 1024
    ) {
      (self.host, self.port, self.tls) = (host, port, tls)
      (self.maxHeaderBytes, self.maxBodyBytes, self.maxConnections) = (maxHeaderBytes, maxBodyBytes, maxConnections)
      (self.idleTimeoutSeconds, self.requestTimeoutSeconds) = (idleTimeoutSeconds, requestTimeoutSeconds)
      (self.usesCompression, self.maxMessageBytes) = (usesCompression, maxMessageBytes)
      (self.unsentMessages, self.unsentBytes) = (unsentMessages, unsentBytes)
      (self.sendBufferBytes, self.pingIntervalSeconds) = (sendBufferBytes, pingIntervalSeconds)
      self.broadcastSockets = broadcastSockets
    }
  }

  /// The port it listens on.
  package let port: Int
  private let core: ServerCore

  package init(_ options: Options = .init(), handler: any HTTPHandler) throws(TransportError) {
    core = ServerCore(options, handler)
    port = try core.start()
  }

  deinit { core.post(.stop) }

  package var connections: Int { core.connectionCount }

  /// Closes the sockets with 1001, waits at most a second for what is under way, and returns when the thread is done.
  package func stop() async { await core.stop() }
}
