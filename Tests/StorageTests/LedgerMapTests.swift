import Market
import TestSupport
import Testing

@testable import Storage

struct LedgerMapTests {
  private static let states: [LedgerState] = [
    .live, .missing, .patched(from: "rest"), .patched(from: "archive"), .lost(reason: "no longer served"),
  ]

  private func run(_ range: Range<Int64>, _ state: LedgerState, _ second: Int64 = 0) -> LedgerMap.Run {
    LedgerMap.Run(range, state, since: Timestamp(microseconds: second))
  }

  @Test func `neighbours with equal state become one`() {
    var map = LedgerMap()
    map.set(0..<5, .live, since: Timestamp(microseconds: 1))
    map.set(5..<6, .live, since: Timestamp(microseconds: 2))
    map.set(8..<9, .live, since: Timestamp(microseconds: 3))
    #expect(map.runs == [run(0..<6, .live, 1), run(8..<9, .live, 3)])
    map.set(6..<8, .live, since: Timestamp(microseconds: 4))
    #expect(map.runs == [run(0..<9, .live, 1)])
  }

  @Test func `what was missed at another time is another gap`() {
    var map = LedgerMap()
    map.set(0..<5, .missing, since: Timestamp(microseconds: 1))
    map.set(5..<8, .missing, since: Timestamp(microseconds: 2))
    #expect(map.runs == [run(0..<5, .missing, 1), run(5..<8, .missing, 2)])
  }

  @Test func `a key has the state of its run and a blank has none`() {
    let map = LedgerMap([run(0..<5, .live), run(8..<9, .missing)])
    #expect(map.state(of: 4) == .live && map.state(of: 5) == nil && map.state(of: 8) == .missing)
    #expect(map.blanks(in: -2..<12) == [-2..<0, 5..<8, 9..<12])
    #expect(map.blanks(in: 1..<4).isEmpty)
  }

  @Test func `a state in the middle splits a run`() {
    var map = LedgerMap([run(0..<10, .missing, 1)])
    map.set(4..<6, .patched(from: "rest"), since: Timestamp(microseconds: 2))
    #expect(map.runs == [run(0..<4, .missing, 1), run(4..<6, .patched(from: "rest"), 2), run(6..<10, .missing, 1)])
    #expect(map.runs(in: 3..<5) == [run(3..<4, .missing, 1), run(4..<5, .patched(from: "rest"), 2)])
    #expect(map.runs(in: 10..<12).isEmpty)
  }

  @Test func `an empty range changes nothing`() {
    var map = LedgerMap([run(0..<10, .missing)])
    map.set(4..<4, .live, since: Timestamp(microseconds: 2))
    #expect(map.runs == [run(0..<10, .missing)])
  }

  @Test func `the ends of the numbers are numbers too`() {
    var map = LedgerMap()
    map.set(Int64.min..<0, .live, since: Timestamp(microseconds: 1))
    map.set(5..<Int64.max, .missing, since: Timestamp(microseconds: 1))
    map.set(-3..<7, .lost(reason: ""), since: Timestamp(microseconds: 2))
    #expect(
      map.runs == [run(.min ..< -3, .live, 1), run(-3..<7, .lost(reason: ""), 2), run(7..<Int64.max, .missing, 1)])
  }

  @Test(arguments: Soak.seeds(40))
  func `any order of settings gives what one cell after the other gives`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var map = LedgerMap()
    var cells = CellByCell(count: 60)
    for second in 0..<200 {
      let from = Int.random(in: 0..<60, using: &random)
      let to = min(60, from + Int.random(in: 0..<12, using: &random))
      let state = Self.states[Int.random(in: 0..<Self.states.count, using: &random)]
      let since = Timestamp(microseconds: Int64(second / 3))
      let before = map
      map.set(Int64(from)..<Int64(to), state, since: since)
      cells.set(from..<to, state, since)
      #expect(map.runs == cells.runs)
      #expect(before.changed(by: LedgerDifference(from: before, to: map)) == map)
      let window = Int64(from)..<Int64(min(60, from + 9))
      #expect(map.runs(in: window) == cells.runs(in: window))
    }
  }
}

/// The same by brute force: a state and a time for each cell, both made one over every run after each setting.
private struct CellByCell {
  private var cells: [(state: LedgerState, since: Timestamp)?]

  init(count: Int) { cells = Array(repeating: nil, count: count) }

  mutating func set(_ range: Range<Int>, _ state: LedgerState, _ since: Timestamp) {
    for index in range where cells[index]?.state != state || state == .missing { cells[index] = (state, since) }
    for run in runs {
      for index in Int(run.range.lowerBound)..<Int(run.range.upperBound) { cells[index]?.since = run.since }
    }
  }

  var runs: [LedgerMap.Run] { runs(in: 0..<Int64(cells.count)) }

  func runs(in range: Range<Int64>) -> [LedgerMap.Run] {
    var runs: [LedgerMap.Run] = []
    for index in range {
      guard let cell = cells[Int(index)] else { continue }
      if let last = runs.last, last.range.upperBound == index, last.state == cell.state,
        cell.state != .missing || last.since == cell.since
      {
        runs[runs.count - 1].range = last.range.lowerBound..<index + 1
        runs[runs.count - 1].since = min(last.since, cell.since)
      } else {
        runs.append(LedgerMap.Run(index..<index + 1, cell.state, since: cell.since))
      }
    }
    return runs
  }
}

extension LedgerMap {
  /// What a table of runs holds after the changes.
  fileprivate func changed(by difference: LedgerDifference) -> LedgerMap {
    var rows = Dictionary(uniqueKeysWithValues: runs.map { ($0.range.lowerBound, $0) })
    for start in difference.removed { rows[start] = nil }
    for run in difference.changed where rows[run.range.lowerBound] != nil { rows[run.range.lowerBound] = run }
    for run in difference.added where rows[run.range.lowerBound] == nil { rows[run.range.lowerBound] = run }
    return LedgerMap(rows.values.sorted { $0.range.lowerBound < $1.range.lowerBound })
  }
}
