import Ingestion
import Market
import Operations
import Serving
import Transport

/// Serves a live feed: health and metrics at two ports, and at the feeder's what is stored and what happens.
struct LiveServer {
  private let servers: [HTTPServer]
  let hub: Hub
  /// What the routes to data read.
  let store: LateStore

  /// The ports that were taken, of the feed's health and of the gap handler's.
  let feederPort: Int
  let gapHandlerPort: Int?

  /// A port of 0 takes any free one; without a gap handler's it has no page.
  ///
  /// - Parameters:
  ///   - data: routes to what is stored.
  ///   - page: routes of the page that shows it.
  init(
    _ status: LiveStatus, host: String, feederPort: Int, gapHandlerPort: Int?, store: LateStore = LateStore(),
    data: [Route] = [], page: [Route] = []
  ) throws {
    let pages = HealthPages(status: status)
    hub = Hub()
    self.store = store
    var routes = [Route.health { pages.feeder }, .live, .ready(status), .metrics(pages)] + data
    let document = OpenAPI.document(routes, version: Help.version)
    routes.append(
      Route("GET", "/openapi.json", "This description.", answer: .now { _ in .json(document) }))
    routes += page
    let feeder = try Self.listen(host, feederPort, APIServer(routes, hub: hub))
    let gapHandler = try gapHandlerPort.map {
      try Self.listen(host, $0, APIServer([.health { pages.gapHandler }, .metrics(pages)]))
    }
    servers = [feeder, gapHandler].compactMap(\.self)
    (self.feederPort, self.gapHandlerPort) = (feeder.port, gapHandler?.port)
  }

  func stop() async { for server in servers { await server.stop() } }

  private static func listen(_ host: String, _ port: Int, _ handler: APIServer) throws -> HTTPServer {
    var options = HTTPServer.Options()
    options.host = host
    options.port = port
    do { return try HTTPServer(options, handler: handler) } catch {
      throw CommandError(.unreachable, "\(error)")
    }
  }
}

extension Route {
  fileprivate static func health(_ page: @escaping @Sendable () -> JSONValue) -> Route {
    Route("GET", "/health", "How it stands.", answer: .now { _ in .json(page()) })
  }

  fileprivate static let live = Route(
    "GET", "/health/live", "The process runs.", answer: .now { _ in .json(["status": "live"]) })

  fileprivate static func ready(_ status: LiveStatus) -> Route {
    Route(
      "GET", "/health/ready", "Data is received, predicted on and stored; 503 until then.",
      answer: .now { _ throws(APIFailure) in
        guard let facts = status.current, facts.isReady else { throw .unavailable("the feed has not begun") }
        guard facts.isStoring else { throw .unavailable("nothing can be stored") }
        return .json(["status": "ready"])
      })
  }

  fileprivate static func metrics(_ pages: HealthPages) -> Route {
    Route(
      "GET", "/metrics", "Metrics for Prometheus.", contentType: PrometheusText.contentType,
      schema: ["type": "string"],
      answer: .now { _ in
        ServerResponse(
          headers: [HTTPHeader("Content-Type", PrometheusText.contentType)], body: Array(pages.metrics.utf8))
      })
  }
}

extension LiveWriter: StoreReading {}
