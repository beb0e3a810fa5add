/// Builds a page in Prometheus' text format, version 0.0.4.
package struct PrometheusText: Sendable {
  package enum Kind: String, Sendable { case counter, gauge }

  /// One value of a metric with the labels that tell it from its siblings.
  package struct Sample: Hashable, Sendable {
    package let labels: [Label]
    package let value: Double

    package init(_ value: Double, _ labels: [Label] = []) { (self.value, self.labels) = (value, labels) }
  }

  package struct Label: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  package private(set) var text = ""

  package init() {}

  /// A metric without samples is left out: nothing is known of it.
  package mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    begin(name, kind.rawValue, help)
    for sample in samples { line(name, sample) }
  }

  /// - Parameter histograms: each with the labels that tell it from its siblings.
  package mutating func add(_ name: String, _ help: String, _ histograms: [(histogram: Histogram, labels: [Label])]) {
    guard !histograms.isEmpty else { return }
    begin(name, "histogram", help)
    for (histogram, labels) in histograms {
      for (bound, count) in histogram.cumulative {
        line(name + "_bucket", Sample(Double(count), labels + [Label("le", Self.number(bound))]))
      }
      line(name + "_sum", Sample(histogram.sum, labels))
      line(name + "_count", Sample(Double(histogram.count), labels))
    }
  }

  private mutating func begin(_ name: String, _ kind: String, _ help: String) {
    text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind)\n"
  }

  private mutating func line(_ name: String, _ sample: Sample) {
    let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
    text += name + (labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}") + " \(Self.number(sample.value))\n"
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return Int64(exactly: value).map(String.init) ?? String(value)
  }

  private static func escaped(_ text: String, quotes: Bool = false) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    return quotes ? escaped.replacing("\"", with: "\\\"") : escaped
  }
}
