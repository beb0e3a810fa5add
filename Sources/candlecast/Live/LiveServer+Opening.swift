import FoundationEssentials
import Market
import Operations
import Serving

extension LiveServer {
  /// At the ports of the configuration, before anything else of the feed is opened.
  init(_ context: CommandContext, _ options: LiveSession.Options) throws {
    let catalogue = VenueCatalogue(configuration: context.configuration)
    let view = try LivePlanner(context: context, catalogue: catalogue, now: .distantPast).view
    let status = options.status
    if options.predicts { status.models = ServedModels(view: view, preset: context.target) }
    let store = LateStore(context.log)
    let latest = LatestPredictions(ServingRules(context.configuration), status.intervals)
    let content = LiveContent(context, status, view: view, charts: context.charts, latest: latest)
    try self.init(
      status, try ServerSetting(context.configuration), try content.routes(from: options.stores ? store : nil),
      store: store, latest: latest)
    status.listens(on: ports)
  }

  /// For whoever started it.
  var portsText: String {
    "health on port \(ports.feeder)" + (ports.gapHandler.map { ", gaps and metrics on port \($0)" } ?? "")
      + (ports.api.map { ", models on port \($0)" } ?? "")
  }
}

extension CommandContext {
  /// The page's chart library; the page says so if it is not installed.
  fileprivate var charts: [UInt8]? { FileManager.default.contents(atPath: installation.charts).map { Array($0) } }
}
