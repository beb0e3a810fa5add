internal import Market
package import Transport

/// Sends measurements to CloudWatch.
package struct CloudWatchClient: Sendable {
  static let mostInRequest = 1000
  /// Of one request, by the service; some room is left for what is around the data.
  static let mostBytes = 1_000_000
  static let mostValues = 150

  private let link: CloudLink

  package init(
    _ http: HTTPClient, _ access: CloudAccess, _ surroundings: Surroundings,
    backoff: Backoff = .init(attempts: 3), timeoutSeconds: Double = 10
  ) {
    link = CloudLink(
      http: http, access: access, service: .cloudWatch, surroundings: surroundings, backoff: backoff,
      timeoutSeconds: timeoutSeconds)
  }

  /// In as many requests as it takes. What the service would refuse the whole request for is left out and counted.
  package func put(_ data: [MetricDatum], namespace: String) async throws(CloudError) -> DroppedMetrics {
    guard Self.isNamespace(namespace) else {
      throw .invalid(
        "\(namespace.shown(60)): a namespace has 1 to 255 letters, digits and .-_/#:, and begins not with AWS/")
    }
    var batches = MetricBatches()
    let now = link.surroundings.now()
    for datum in data { batches.add(datum, at: now) }
    for batch in batches.all {
      let body = JSONTree.object(["Namespace": .text(namespace), "MetricData": .array(batch)]).bytes
      let request = CloudRequest(
        method: "POST",
        headers: [
          ("Content-Type", "application/x-amz-json-1.0"),
          ("X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"),
        ], body: body)
      _ = try await link.send(request, about: .metrics(namespace: namespace))
    }
    return batches.dropped
  }

  static func isNamespace(_ text: String) -> Bool {
    (1...255).contains(text.utf8.count) && !text.hasPrefix("AWS/") && !text.hasPrefix(":")
      && text.utf8.allSatisfy { ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || ".-_/#:".utf8.contains($0) }
  }
}

/// Measurements in portions that the service takes.
struct MetricBatches {
  private(set) var all: [[JSONTree]] = []
  private(set) var dropped = DroppedMetrics()
  private var bytes = 0

  mutating func add(_ datum: MetricDatum, at now: Timestamp) {
    if let fault = datum.fault(at: now) { return dropped.add(fault) }
    for tree in datum.trees() {
      let size = tree.bytes.count + 1
      if all.isEmpty || all[all.count - 1].count == CloudWatchClient.mostInRequest
        || bytes + size > CloudWatchClient.mostBytes
      {
        all.append([])
        bytes = 0
      }
      all[all.count - 1].append(tree)
      bytes += size
    }
  }
}

extension MetricDatum {
  /// More than one where there are more values than one may have.
  fileprivate func trees() -> [JSONTree] {
    var members: [String: JSONTree] = [
      "MetricName": .text(name), "Unit": .text(unit.rawValue), "Timestamp": .number(time.epochSeconds),
      "StorageResolution": isHighResolution ? 1 : 60,
    ]
    if !dimensions.isEmpty {
      members["Dimensions"] = .array(
        dimensions.map { .object(["Name": .text($0.name), "Value": .text($0.value)]) })
    }
    switch value {
    case .one(let value):
      members["Value"] = .number("\(value)")
    case .statistics(let count, let sum, let minimum, let maximum):
      members["StatisticValues"] = .object([
        "SampleCount": .number("\(count)"), "Sum": .number("\(sum)"), "Minimum": .number("\(minimum)"),
        "Maximum": .number("\(maximum)"),
      ])
    case .many(let values):
      return stride(from: 0, to: values.count, by: CloudWatchClient.mostValues).map { start in
        let part = values[start..<min(start + CloudWatchClient.mostValues, values.count)]
        var tree = members
        tree["Values"] = .array(part.map { .number("\($0.value)") })
        tree["Counts"] = .array(part.map { .number("\($0.count)") })
        return .object(tree)
      }
    }
    return [.object(members)]
  }
}
