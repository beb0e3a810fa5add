package import Market

/// A measurement, or several of one kind.
package struct MetricDatum: Hashable, Sendable {
  package struct Dimension: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  package enum Value: Hashable, Sendable {
    case one(Double)
    /// Each with how often it was seen.
    case many([Counted])
    case statistics(count: Double, sum: Double, minimum: Double, maximum: Double)
  }

  package struct Counted: Hashable, Sendable {
    package let value: Double
    package let count: Double

    package init(_ value: Double, count: Double = 1) { (self.value, self.count) = (value, count) }
  }

  package enum Unit: String, CaseIterable, Sendable {
    case seconds = "Seconds"
    case microseconds = "Microseconds"
    case milliseconds = "Milliseconds"
    case bytes = "Bytes"
    case percent = "Percent"
    case count = "Count"
    case countPerSecond = "Count/Second"
    case bytesPerSecond = "Bytes/Second"
    case none = "None"
  }

  package var name: String
  package var value: Value
  package var unit: Unit
  package var dimensions: [Dimension]
  package var time: Timestamp
  /// Kept by the second and not by the minute.
  package var isHighResolution: Bool

  package init(
    _ name: String, _ value: Value, unit: Unit = .none, dimensions: [Dimension] = [], time: Timestamp,
    isHighResolution: Bool = false
  ) {
    (self.name, self.value, self.unit, self.dimensions) = (name, value, unit, dimensions)
    (self.time, self.isHighResolution) = (time, isHighResolution)
  }
}

/// Why measurements were left out, and how many.
package struct DroppedMetrics: Hashable, Sendable {
  package enum Reason: String, CaseIterable, Sendable {
    /// Not a number, infinite or of a magnitude above 2^360.
    case value = "a value that no metric has"
    case dimensions = "more than 30 dimensions, or one that is empty or too long"
    case name = "a name that is empty, too long or taken"
    /// Older than two weeks or more than two hours ahead.
    case time = "a time too far away"
    /// One line of text would be longer than a reader takes.
    case size = "too large"
    /// Log lines have values, not statistics of them.
    case form = "statistics in a log line"
  }

  package private(set) var counts: [Reason: Int] = [:]

  package var total: Int { counts.values.reduce(0, +) }

  mutating func add(_ reason: Reason) { counts[reason, default: 0] += 1 }

  mutating func add(_ others: DroppedMetrics) { counts.merge(others.counts) { $0 + $1 } }
}

extension MetricDatum {
  static let mostDimensions = 30
  static let largest = 0x1p360

  var numbers: [Double] {
    switch value {
    case .one(let value): [value]
    case .many(let values): values.flatMap { [$0.value, $0.count] }
    case .statistics(let count, let sum, let minimum, let maximum): [count, sum, minimum, maximum]
    }
  }

  /// What the service would refuse a whole request for.
  func fault(at now: Timestamp) -> DroppedMetrics.Reason? {
    if !Self.isName(name) { return .name }
    let names = Set(dimensions.map(\.name))
    guard dimensions.count <= Self.mostDimensions, names.count == dimensions.count,
      dimensions.allSatisfy({ Self.isName($0.name) && !$0.name.hasPrefix(":") && Self.isValue($0.value) })
    else { return .dimensions }
    guard !numbers.isEmpty, numbers.allSatisfy({ $0.isFinite && $0.magnitude <= Self.largest }) else { return .value }
    if case .many(let values) = value, values.contains(where: { $0.count < 0 }) { return .value }
    if case .statistics(let count, _, let minimum, let maximum) = value, count < 0 || minimum > maximum {
      return .value
    }
    let earliest = now.adding(minutes: -14 * 1440)
    return time >= earliest && time <= now.adding(minutes: 120) ? nil : .time
  }

  private static func isName(_ text: String) -> Bool { (1...255).contains(text.utf8.count) && text.isPlainASCII }
  private static func isValue(_ text: String) -> Bool {
    (1...1024).contains(text.utf8.count) && text.isPlainASCII && text.contains { $0 != " " }
  }
}

extension String {
  fileprivate var isPlainASCII: Bool { utf8.allSatisfy { (0x20...0x7E).contains($0) } }
}
