package import Market

/// From when to when each sample's label is being decided: the closed interval from the decision to the label's end.
///
/// Rows are sorted by decision time; the ends may be in any order.
package struct LabelSpans: Sendable {
  package let decisionTimes: [Timestamp]
  package let labelEnds: [Timestamp]

  package init(decisionTimes: [Timestamp], labelEnds: [Timestamp]) {
    precondition(decisionTimes.count == labelEnds.count, "columns differ in length")
    precondition(zip(decisionTimes, decisionTimes.dropFirst()).allSatisfy { $0 <= $1 }, "decisions are not sorted")
    (self.decisionTimes, self.labelEnds) = (decisionTimes, labelEnds)
  }

  package var count: Int { decisionTimes.count }

  /// The rows decided in a half-open period.
  package func rows(in period: Range<Timestamp>) -> Range<Int> {
    firstRow(notBefore: period.lowerBound)..<firstRow(notBefore: period.upperBound)
  }

  /// The part of `rows` whose labels end before `time`.
  package func finished(_ rows: RangeSet<Int>, before time: Timestamp) -> RangeSet<Int> {
    var kept: [Range<Int>] = []
    for range in rows.ranges {
      var start = range.lowerBound
      for row in range where labelEnds[row] >= time {
        if start < row { kept.append(start..<row) }
        start = row + 1
      }
      if start < range.upperBound { kept.append(start..<range.upperBound) }
    }
    return RangeSet(kept)
  }

  /// Weights with which all samples of one label count as one: 1 over the number of rows with the same label end.
  package var equalLabelWeights: [Double] {
    var counts: [Timestamp: Int] = [:]
    for end in labelEnds { counts[end, default: 0] += 1 }
    return labelEnds.map { 1 / Double(counts[$0, default: 1]) }
  }

  private func firstRow(notBefore time: Timestamp) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if decisionTimes[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension RangeSet<Int> {
  /// How many rows the set holds.
  package var rowCount: Int { ranges.reduce(0) { $0 + $1.count } }

  /// The rows in order.
  package var rows: [Int] { ranges.flatMap { Array($0) } }
}
