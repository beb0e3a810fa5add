package import Market

/// Measurements as log lines that CloudWatch makes metrics of: its embedded metric format.
///
/// They go to standard output or a file that an agent reads, so they need no request and no permission of ours.
package struct EmbeddedMetrics: Sendable {
  package let lines: [String]
  package let dropped: DroppedMetrics

  static let mostMetrics = 100
  static let mostValues = 100
  /// Of a line, by older agents.
  static let mostBytes = 256 << 10

  /// Data of the same time and dimensions share lines, as far as they fit.
  package init(_ data: [MetricDatum], namespace: String, at now: Timestamp) throws(CloudError) {
    guard CloudWatchClient.isNamespace(namespace) else {
      throw .invalid("\(namespace.shown(60)): not the name of a namespace of metrics")
    }
    var dropped = DroppedMetrics()
    var lines: [EmbeddedLine] = []
    for datum in data {
      if let fault = datum.embeddingFault(at: now) {
        dropped.add(fault)
        continue
      }
      for part in datum.embeddedParts() {
        guard EmbeddedLine.canHold(part) else {
          dropped.add(.name)
          continue
        }
        if let index = lines.lastIndex(where: { $0.takes(part) }) {
          lines[index].add(part)
        } else {
          lines.append(EmbeddedLine(part))
        }
      }
    }
    var texts: [String] = []
    for line in lines {
      let bytes = line.tree(namespace).bytes
      if bytes.count <= Self.mostBytes {
        texts.append(String(decoding: bytes, as: UTF8.self))
      } else {
        dropped.add(.size)
      }
    }
    (self.lines, self.dropped) = (texts, dropped)
  }
}

private struct EmbeddedLine {
  private let time: Timestamp
  private let dimensions: [MetricDatum.Dimension]
  private var metrics: [MetricDatum]
  private var size: Int

  init(_ first: MetricDatum) {
    (time, dimensions, metrics) = (first.time, first.dimensions, [first])
    size = Self.size(first) + first.dimensions.reduce(200) { $0 + 2 * $1.name.utf8.count + $1.value.utf8.count + 8 }
  }

  /// All names stand side by side in one object.
  static func canHold(_ datum: MetricDatum) -> Bool {
    let names = datum.dimensions.map(\.name) + [datum.name]
    return Set(names).count == names.count && !names.contains("_aws")
  }

  func takes(_ datum: MetricDatum) -> Bool {
    datum.time == time && datum.dimensions == dimensions && metrics.count < EmbeddedMetrics.mostMetrics
      && size + Self.size(datum) <= EmbeddedMetrics.mostBytes && !metrics.contains { $0.name == datum.name }
  }

  mutating func add(_ datum: MetricDatum) {
    metrics.append(datum)
    size += Self.size(datum)
  }

  /// At most so many bytes are written for it.
  private static func size(_ datum: MetricDatum) -> Int { 4 * datum.name.utf8.count + 100 + 30 * datum.numbers.count }

  func tree(_ namespace: String) -> JSONTree {
    let definitions = metrics.map { metric in
      JSONTree.object([
        "Name": .text(metric.name), "Unit": .text(metric.unit.rawValue),
        "StorageResolution": metric.isHighResolution ? 1 : 60,
      ])
    }
    let directive = JSONTree.object([
      "Namespace": .text(namespace), "Dimensions": .array([.array(dimensions.map { .text($0.name) })]),
      "Metrics": .array(definitions),
    ])
    var members: [String: JSONTree] = [
      "_aws": .object([
        "Timestamp": .number(String(time.milliseconds)), "CloudWatchMetrics": .array([directive]),
      ])
    ]
    for dimension in dimensions { members[dimension.name] = .text(dimension.value) }
    for metric in metrics { members[metric.name] = metric.embeddedValue }
    return .object(members)
  }
}

extension MetricDatum {
  fileprivate func embeddingFault(at now: Timestamp) -> DroppedMetrics.Reason? {
    if case .statistics = value { return .form }
    return fault(at: now)
  }

  /// The format has neither counts nor enough room for any number of values.
  fileprivate func embeddedParts() -> [MetricDatum] {
    guard case .many(let values) = value else { return [self] }
    // A count that is large would make as many copies; above a line's worth the value is kept and the count is cut.
    let flat = values.flatMap { counted in
      [Double](
        repeating: counted.value, count: Int(min(max(counted.count.rounded(), 0), Double(EmbeddedMetrics.mostValues))))
    }
    return stride(from: 0, to: flat.count, by: EmbeddedMetrics.mostValues).map { start in
      var part = self
      part.value = .many(flat[start..<min(start + EmbeddedMetrics.mostValues, flat.count)].map { Counted($0) })
      return part
    }
  }

  fileprivate var embeddedValue: JSONTree {
    switch value {
    case .one(let value): .number("\(value)")
    case .many(let values) where values.count == 1: .number("\(values[0].value)")
    case .many(let values): .array(values.map { .number("\($0.value)") })
    case .statistics: .null
    }
  }
}
