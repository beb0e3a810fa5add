import FoundationEssentials

/// Figures of the same work in Python, from `Scripts/peers/bench.py`.
struct PeerResults {
  private struct Row: Decodable {
    let name: String
    let p50: Double?
    let p99: Double?
    let value: Double?
  }

  private let rows: [String: Row]

  init(path: String) throws {
    let data = try Data(contentsOf: URL(filePath: path))
    let list = try JSONDecoder().decode([Row].self, from: data)
    rows = Dictionary(list.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
  }

  /// How many times faster than the peer: `12.3×`, or `15.1× / 9.2×` at p50 and p99. `nil` where there is nothing to compare.
  func ratio(of measurement: Measurement, to peer: String?) -> String? {
    guard let peer, let row = rows[peer] else { return nil }
    switch measurement.figures {
    case .percentiles(let p50, let p99):
      guard let otherP50 = row.p50, let otherP99 = row.p99 else { return nil }
      return "\(times(otherP50 / p50)) / \(times(otherP99 / p99))"
    case .value(let value):
      return row.value.map { times($0 / value) }
    }
  }

  private func times(_ ratio: Double) -> String { "\((ratio * 10).rounded() / 10)×" }
}
