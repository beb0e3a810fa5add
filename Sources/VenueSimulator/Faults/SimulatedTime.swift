/// Stretches of time as people write them: `MM:SS`, `HH:MM:SS`, `90s`, `10m`, `2h`, `1d`.
package enum SimulatedTime {
  package static func seconds(_ text: some StringProtocol) -> Int64? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    if let last = text.last, let unit = units[last] {
      guard let count = Int64(text.dropLast()), (0...3_000_000).contains(count) else { return nil }
      return count * unit
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard (2...3).contains(parts.count) else { return nil }
    var total: Int64 = 0
    for part in parts {
      guard let part, (0...100_000).contains(part) else { return nil }
      total = total * 60 + part
    }
    return total
  }
}
