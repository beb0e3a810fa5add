import Glibc
import Operations
import Platform

/// A figure: either percentiles of single times, or one value.
struct Measurement: Sendable {
  let name: String
  let unit: String
  let n: Int
  let figures: Figures

  enum Figures: Sendable {
    case percentiles(p50: Double, p99: Double)
    case value(Double)
  }

  /// Microseconds of single calls, after a tenth as many to warm up.
  ///
  /// - Parameter before: what each call needs and is not measured.
  static func latency(
    _ name: String, count: Int, before: (Int) -> Void = { _ in }, _ body: (Int) throws -> Void
  ) rethrows -> Measurement {
    for index in 0..<max(1, count / 10) {
      before(index)
      try body(index)
    }
    var nanoseconds: [Int64] = []
    nanoseconds.reserveCapacity(count)
    for index in 0..<count {
      before(index)
      let start = SystemClock.monotonicNanoseconds()
      try body(index)
      nanoseconds.append(SystemClock.monotonicNanoseconds() - start)
    }
    nanoseconds.sort()
    let p50 = Double(nanoseconds[count / 2]) / 1000
    let p99 = Double(nanoseconds[min(count - 1, count * 99 / 100)]) / 1000
    return Measurement(name: name, unit: "µs", n: count, figures: .percentiles(p50: p50, p99: p99))
  }

  /// Seconds that work on `n` things takes: the best of a few runs, as the least disturbed.
  static func seconds(_ name: String, n: Int, runs: Int = 3, _ body: () throws -> Void) rethrows -> Measurement {
    var best = Double.infinity
    for _ in 0..<runs {
      let start = SystemClock.monotonicNanoseconds()
      try body()
      best = min(best, Double(SystemClock.monotonicNanoseconds() - start) / 1e9)
    }
    return Measurement(name: name, unit: "s", n: n, figures: .value(best))
  }

  /// How many of `n` things a second gets done: the best of a few runs, as the least disturbed.
  static func perSecond(_ name: String, unit: String, n: Int, _ body: () throws -> Void) rethrows -> Measurement {
    guard case .value(let seconds) = try seconds(name, n: n, body).figures else { preconditionFailure("no seconds") }
    return Measurement(name: name, unit: unit, n: n, figures: .value(Double(n) / seconds))
  }

  /// For people, with what a ratio to the same work in Python says.
  func line(ratio: String?) -> String {
    func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
    let figure =
      switch figures {
      case .percentiles(let p50, let p99): "p50 \(rounded(p50)) p99 \(rounded(p99)) \(unit)"
      case .value(let value): "\(rounded(value)) \(unit)"
      }
    let column = name + String(repeating: " ", count: max(1, 36 - name.count))
    let comparison = ratio.map { "  \($0) as fast as Python" } ?? ""
    return "\(column)\(figure) (n \(n.grouped))\(comparison)"
  }

  var json: JSONValue {
    switch figures {
    case .percentiles(let p50, let p99):
      ["name": .text(name), "unit": .text(unit), "n": JSONValue(n), "p50": .number(p50), "p99": .number(p99)]
    case .value(let value):
      ["name": .text(name), "unit": .text(unit), "n": JSONValue(n), "value": .number(value)]
    }
  }
}
