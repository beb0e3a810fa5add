/// HTTP/1.1 and HTTP/2 over kept connections. Certificates are always verified; redirects are answers.
package final class HTTPClient: Sendable {
  package struct Options: Sendable {
    /// `http://host:port` or `socks5://…`; `nil` takes `https_proxy`, `http_proxy` and `no_proxy` of the environment.
    package var proxy: String?
    /// Certificates to trust instead of the system's, in PEM.
    package var caFile: String?
    package var connectTimeoutSeconds: Double
    /// Of an answer's body, after decoding.
    package var maxBodyBytes: Int
    package var userAgent: String
    package var maxConnections: Int

    package init(
      proxy: String? = nil, caFile: String? = nil, connectTimeoutSeconds: Double = 10,
      maxBodyBytes: Int = 256 << 20, userAgent: String = "candlecast", maxConnections: Int = 64
    ) {
      (self.proxy, self.caFile, self.connectTimeoutSeconds) = (proxy, caFile, connectTimeoutSeconds)
      (self.maxBodyBytes, self.userAgent, self.maxConnections) = (maxBodyBytes, userAgent, maxConnections)
    }
  }

  private let options: Options
  private let service: CurlService

  package init(_ options: Options = .init()) throws(TransportError) {
    self.options = options
    service = try CurlService(maxConnections: options.maxConnections)
  }

  deinit { service.stop() }

  /// Cancelling the task aborts the transfer at once.
  package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPAnswer {
    let transfer = try HTTPTransfer(request, options)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        transfer.finish = { continuation.resume(returning: $0) }
        guard !Task.isCancelled else { return transfer.cancelled() }
        service.start(transfer)
        if Task.isCancelled { service.cancel(transfer) }
      }
    } onCancel: {
      service.cancel(transfer)
    }
    return try result.get()
  }
}
