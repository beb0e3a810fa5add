import Cloud
import Market
import Operations
import Platform
import Transport

/// Tells CloudWatch how a feed stands, as long as it runs. What fails is counted and logged, and told with the next
/// report; the feed knows nothing of it.
struct CloudReporter: Sendable {
  private enum Way: Sendable {
    case requests(CloudWatchClient)
    /// For an agent that reads standard output.
    case lines(Output)
  }

  private let way: Way
  private let namespace: String
  private let seconds: Double
  private let status: LiveStatus
  private let log: Log

  /// `nil` unless the configuration asks for it, and where it cannot be done.
  init?(_ context: CommandContext, _ status: LiveStatus) {
    let configuration = context.configuration
    (self.status, log) = (status, context.log)
    namespace = configuration.text("aws.cloudwatch_namespace") ?? "Candlecast"
    seconds = configuration.number("aws.cloudwatch_seconds") ?? 60
    switch configuration.text("aws.cloudwatch") {
    case "requests":
      do {
        way = .requests(
          CloudWatchClient(
            try HTTPClient(HTTPClient.Options(configuration)), try context.cloudAccess(), .ofThisMachine))
      } catch {
        status.noteReport(.failure)
        context.log.write(.error, "cloudwatch", "no metrics are sent: \(error)")
        return nil
      }
    case "log": way = .lines(context.output)
    default: return nil
    }
  }

  /// Until its task is cancelled.
  func run() async {
    var metrics = CloudMetrics()
    var isFailing = false
    while true {
      do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
      guard let facts = status.current else { continue }
      let now = SystemClock.now()
      let (data, next) = metrics.data(of: facts, at: now)
      do throws(CloudError) {
        status.noteReport(.success(leftOut: try await send(data, at: now).total))
        if isFailing { log.write(.info, "cloudwatch", "metrics are sent again") }
        (metrics, isFailing) = (next, false)
      } catch {
        if case .cancelled = error { return }
        status.noteReport(.failure)
        if !isFailing { log.write(.error, "cloudwatch", "metrics were not sent, the feed goes on: \(error)") }
        isFailing = true
      }
    }
  }

  private func send(_ data: [MetricDatum], at now: Timestamp) async throws(CloudError) -> DroppedMetrics {
    switch way {
    case .requests(let client): return try await client.put(data, namespace: namespace)
    case .lines(let output):
      let metrics = try EmbeddedMetrics(data, namespace: namespace, at: now)
      for line in metrics.lines { output.verbatim(line) }
      return metrics.dropped
    }
  }
}
