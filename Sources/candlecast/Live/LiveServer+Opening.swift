import FoundationEssentials
import Market
import Operations
import Serving

extension LiveServer {
  /// At the ports of the configuration.
  init(_ context: CommandContext, _ status: LiveStatus) throws {
    let configuration = context.configuration
    let catalogue = VenueCatalogue(configuration: configuration)
    let view = try LivePlanner(context: context, catalogue: catalogue, now: .distantPast).view
    let store = LateStore()
    try self.init(
      status, host: configuration.text("server.host") ?? "127.0.0.1",
      feederPort: configuration.integer("server.feeder_port") ?? 8080,
      gapHandlerPort: configuration.hasGapHandlerPort ? configuration.integer("server.gap_handler_port") ?? 9000 : nil,
      store: store, data: Route.data(of: view, from: store), page: Page.routes(charts: context.charts))
    status.listens(on: .init(feeder: feederPort, gapHandler: gapHandlerPort))
  }

  /// For whoever started it.
  var portsText: String {
    "health on port \(feederPort)" + (gapHandlerPort.map { ", gaps and metrics on port \($0)" } ?? "")
  }
}

extension CommandContext {
  /// The page's chart library; the page says so if it is not installed.
  fileprivate var charts: [UInt8]? { FileManager.default.contents(atPath: installation.charts).map { Array($0) } }
}
