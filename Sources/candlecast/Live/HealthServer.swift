import Operations
import Transport

/// Serves the health of a live feed: one page at each of two ports, and the metrics at both.
struct HealthServer {
  private let servers: [HTTPServer]

  /// The ports that were taken, of the feed's health and of the gap handler's.
  let feederPort: Int
  let gapHandlerPort: Int

  /// A port of 0 takes any free one.
  init(_ status: LiveStatus, host: String, feederPort: Int, gapHandlerPort: Int) throws {
    let pages = HealthPages(status: status)
    let feeder = try Self.listen(host, feederPort, Handler(pages, health: { pages.feeder }))
    let gapHandler = try Self.listen(host, gapHandlerPort, Handler(pages, health: { pages.gapHandler }))
    servers = [feeder, gapHandler]
    (self.feederPort, self.gapHandlerPort) = (feeder.port, gapHandler.port)
  }

  func stop() async { for server in servers { await server.stop() } }

  private static func listen(_ host: String, _ port: Int, _ handler: Handler) throws -> HTTPServer {
    var options = HTTPServer.Options()
    options.host = host
    options.port = port
    do { return try HTTPServer(options, handler: handler) } catch {
      throw CommandError(.unreachable, "\(error)")
    }
  }

  private final class Handler: HTTPHandler {
    private let pages: HealthPages
    private let health: @Sendable () -> JSONValue

    init(_ pages: HealthPages, health: @escaping @Sendable () -> JSONValue) {
      (self.pages, self.health) = (pages, health)
    }

    func handle(_ request: ServerRequest, _ reply: ServerReply) { reply.send(response(to: request)) }

    private func response(to request: ServerRequest) -> ServerResponse {
      guard request.method == "GET" || request.method == "HEAD" else {
        return .json(["error": "only GET is answered here"], status: 405)
      }
      switch request.path {
      case "/health": return .json(health())
      case "/metrics":
        return ServerResponse(
          headers: [HTTPHeader("Content-Type", PrometheusText.contentType)], body: Array(pages.metrics.utf8))
      default: return .json(["error": "there are /health and /metrics"], status: 404)
      }
    }
  }
}

extension ServerResponse {
  static func json(_ value: JSONValue, status: Int = 200) -> ServerResponse {
    ServerResponse(
      status: status, headers: [HTTPHeader("Content-Type", "application/json")],
      body: Array((value.indented + "\n").utf8))
  }
}
