/// A set of integers kept as disjoint, rising runs: trade ids or minutes.
package struct KeyRanges: Hashable, Sendable {
  package private(set) var runs: [Range<Int64>] = []

  package init() {}

  package var isEmpty: Bool { runs.isEmpty }

  package var count: Int64 { runs.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) } }

  package func contains(_ key: Int64) -> Bool {
    let index = firstRun(endingAfter: key)
    return index < runs.count && runs[index].lowerBound <= key
  }

  package func covers(_ range: Range<Int64>) -> Bool {
    guard !range.isEmpty else { return true }
    let index = firstRun(endingAfter: range.lowerBound)
    return index < runs.count && runs[index].lowerBound <= range.lowerBound
      && runs[index].upperBound >= range.upperBound
  }

  /// - Returns: whether the key is new.
  @discardableResult
  package mutating func insert(_ key: Int64) -> Bool {
    if let last = runs.last, last.upperBound == key {
      runs[runs.count - 1] = last.lowerBound..<(key + 1)
      return true
    }
    if contains(key) { return false }
    insert(key..<(key + 1))
    return true
  }

  package mutating func insert(_ range: Range<Int64>) {
    guard !range.isEmpty else { return }
    var merged = range
    let first = firstRun(endingAtOrAfter: range.lowerBound)
    var end = first
    while end < runs.count, runs[end].lowerBound <= range.upperBound {
      merged = min(merged.lowerBound, runs[end].lowerBound)..<max(merged.upperBound, runs[end].upperBound)
      end += 1
    }
    runs.replaceSubrange(first..<end, with: [merged])
  }

  package mutating func remove(_ range: Range<Int64>) {
    guard !range.isEmpty else { return }
    let first = firstRun(endingAfter: range.lowerBound)
    var end = first
    var kept: [Range<Int64>] = []
    while end < runs.count, runs[end].lowerBound < range.upperBound {
      if runs[end].lowerBound < range.lowerBound { kept.append(runs[end].lowerBound..<range.lowerBound) }
      if runs[end].upperBound > range.upperBound { kept.append(range.upperBound..<runs[end].upperBound) }
      end += 1
    }
    runs.replaceSubrange(first..<end, with: kept)
  }

  /// The runs of `range` that are not in the set.
  package func holes(in range: Range<Int64>) -> [Range<Int64>] {
    var holes: [Range<Int64>] = []
    var from = range.lowerBound
    for run in runs[firstRun(endingAfter: range.lowerBound)...] {
      guard run.lowerBound < range.upperBound else { break }
      if run.lowerBound > from { holes.append(from..<run.lowerBound) }
      from = run.upperBound
    }
    if from < range.upperBound { holes.append(from..<range.upperBound) }
    return holes
  }

  private func firstRun(endingAfter key: Int64) -> Int { partition { $0.upperBound > key } }

  private func firstRun(endingAtOrAfter key: Int64) -> Int { partition { $0.upperBound >= key } }

  private func partition(_ isRight: (Range<Int64>) -> Bool) -> Int {
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if isRight(runs[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
