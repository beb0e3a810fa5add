package import Market

/// How each minute or trade id of a series came to us, as few runs as can say it.
///
/// Runs are in rising order, do not overlap, and neighbours that touch differ in state; but what is missing stays apart
/// by the time it was missed, which names the gap that it belongs to.
package struct LedgerMap: Hashable, Sendable {
  package struct Run: Hashable, Sendable {
    package var range: Range<Int64>
    package var state: LedgerState
    /// When the first part of the run got this state.
    package var since: Timestamp

    package init(_ range: Range<Int64>, _ state: LedgerState, since: Timestamp) {
      (self.range, self.state, self.since) = (range, state, since)
    }
  }

  package private(set) var runs: [Run]

  /// - Parameter runs: of another map, in rising order.
  package init(_ runs: [Run] = []) { self.runs = runs }

  /// Gives a range a state, whatever stood there. What has the state already keeps its time.
  package mutating func set(_ range: Range<Int64>, _ state: LedgerState, since: Timestamp) {
    guard !range.isEmpty else { return }
    let first = firstRun { $0.range.upperBound >= range.lowerBound }
    let end = firstRun { $0.range.lowerBound > range.upperBound }
    var run = Run(range, state, since: since)
    var before: Run?
    var after: Run?
    for touched in runs[first..<end] {
      if touched.state == state, state != .missing || touched.since == since {
        run.since = min(run.since, touched.since)
        run.range =
          min(
            run.range.lowerBound, touched.range.lowerBound)..<max(
            run.range.upperBound, touched.range.upperBound)
      } else {
        if touched.range.lowerBound < range.lowerBound { before = touched.clamped(to: .min..<range.lowerBound) }
        if touched.range.upperBound > range.upperBound { after = touched.clamped(to: range.upperBound..<Int64.max) }
      }
    }
    runs.replaceSubrange(first..<end, with: [before, run, after].compactMap(\.self))
  }

  package func state(of key: Int64) -> LedgerState? {
    let index = firstRun { $0.range.upperBound > key }
    return index < runs.count && runs[index].range.lowerBound <= key ? runs[index].state : nil
  }

  /// The parts of `range` that have no run, in rising order.
  package func blanks(in range: Range<Int64>) -> [Range<Int64>] {
    var blanks: [Range<Int64>] = []
    var next = range.lowerBound
    for run in runs(in: range) {
      if run.range.lowerBound > next { blanks.append(next..<run.range.lowerBound) }
      next = run.range.upperBound
    }
    if next < range.upperBound { blanks.append(next..<range.upperBound) }
    return blanks
  }

  /// The parts of `range` that have a run, in rising order.
  package func runs(in range: Range<Int64>) -> [Run] {
    let first = firstRun { $0.range.upperBound > range.lowerBound }
    return runs[first...].prefix { $0.range.lowerBound < range.upperBound }.map { $0.clamped(to: range) }
  }

  private func firstRun(where isReached: (Run) -> Bool) -> Int {
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if isReached(runs[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension LedgerMap.Run {
  fileprivate func clamped(to bounds: Range<Int64>) -> Self { Self(range.clamped(to: bounds), state, since: since) }
}

/// What turns the rows of one map into those of another; a row is known by its first minute or id.
struct LedgerDifference: Hashable {
  var removed: [Int64] = []
  var changed: [LedgerMap.Run] = []
  var added: [LedgerMap.Run] = []

  init(from old: LedgerMap, to new: LedgerMap) {
    let (before, after) = Self.withoutCommonEnds(old.runs, new.runs)
    var unmatched = Dictionary(uniqueKeysWithValues: before.map { ($0.range.lowerBound, $0) })
    for run in after {
      switch unmatched.removeValue(forKey: run.range.lowerBound) {
      case nil: added.append(run)
      case run: continue
      default: changed.append(run)
      }
    }
    removed = unmatched.keys.sorted()
  }

  private static func withoutCommonEnds(
    _ a: [LedgerMap.Run], _ b: [LedgerMap.Run]
  ) -> (ArraySlice<LedgerMap.Run>, ArraySlice<LedgerMap.Run>) {
    let start = zip(a, b).prefix { $0 == $1 }.count
    let (restOfA, restOfB) = (a[start...], b[start...])
    let end = zip(restOfA.reversed(), restOfB.reversed()).prefix { $0 == $1 }.count
    return (restOfA.dropLast(end), restOfB.dropLast(end))
  }
}
