import Market
import Operations
import Platform
import Serving
import Transport

/// Serves a live feed: at the feeder's port everything, at the gap handler's health and metrics, and where the API has
/// a port of its own, what is asked of models.
struct LiveServer {
  /// What is served beside health and metrics.
  struct Content {
    /// Routes to what is stored and to models.
    var data: [Route] = []
    /// Routes of the page that shows it.
    var page: [Route] = []
    /// Those of the API's own port.
    var models: [Route] = []
  }

  private let servers: [HTTPServer]
  let hub: Hub
  /// What the routes to data read.
  let store: LateStore
  /// What the route to the newest predictions tells.
  let latest: LatestPredictions

  /// Address of the page for a browser on this machine.
  let page: String
  /// The ports that were taken.
  let ports: LiveStatus.Ports

  /// - Parameters:
  ///   - store: what the content reads.
  ///   - latest: what the content tells of the newest predictions.
  init(
    _ status: LiveStatus, _ setting: ServerSetting, _ content: Content, store: LateStore,
    latest: LatestPredictions = LatestPredictions(ServingRules())
  ) throws {
    let hub = Hub()
    self.hub = hub
    let pages = HealthPages(status: status, slowClients: { hub.statistics.slow })
    let ready: @Sendable () throws(APIFailure) -> Void = { () throws(APIFailure) in try status.checkReady() }
    (self.store, self.latest) = (store, latest)
    let door = Doorkeeper(setting.policy, seconds: SystemClock.seconds)
    let common = [.live, .ready(ready), Route.metrics { pages.metrics }]
    let feed = [Route.health { pages.feeder }] + common + content.data
    let feeder = try Self.listen(
      setting.options(port: setting.feederPort),
      APIServer(feed + [.description(of: feed, version: Help.version)] + content.page, hub: hub, doorkeeper: door))
    let gapHandler = try setting.gapHandlerPort.map { port in
      try Self.listen(
        setting.options(port: port),
        APIServer([.health { pages.gapHandler }, .metrics { pages.metrics }], doorkeeper: door))
    }
    let api = try setting.apiPort.map { port in
      let routes = [Route.health { pages.feeder }] + common + content.models
      return try Self.listen(
        setting.options(port: port),
        APIServer(routes + [.description(of: routes, version: Help.version)], doorkeeper: door))
    }
    servers = [feeder, gapHandler, api].compactMap(\.self)
    page = setting.page(port: feeder.port)
    ports = LiveStatus.Ports(feeder: feeder.port, gapHandler: gapHandler?.port, api: api?.port)
  }

  func stop() async { for server in servers { await server.stop() } }

  private static func listen(_ options: HTTPServer.Options, _ handler: APIServer) throws -> HTTPServer {
    do { return try HTTPServer(options, handler: handler) } catch {
      throw CommandError(.unreachable, "\(error)")
    }
  }
}

extension LiveStatus {
  /// Throws as long as requests should go elsewhere.
  func checkReady() throws(APIFailure) {
    guard let facts = current, facts.isReady else { throw .unavailable("the feed has not begun") }
    guard facts.isStoring else { throw .unavailable("nothing can be stored") }
  }
}
