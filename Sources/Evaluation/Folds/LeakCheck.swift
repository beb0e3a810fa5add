package import Market

/// Finds training labels that overlap what they are tested on, without trusting how the folds were made.
package enum LeakCheck {
  /// A training row whose label interval touches a tested row's, or the embargo before it.
  package struct Overlap: Equatable, Sendable, CustomStringConvertible {
    package let fold: Int
    package let row: Int
    package let decisionTime: Timestamp
    package let labelEnd: Timestamp

    package var description: String {
      "fold \(fold + 1) trains on row \(row), decided \(decisionTime) and finished \(labelEnd), which overlaps its test"
    }
  }

  /// The first overlap of each fold; empty for sound folds. O(n log n).
  package static func folds(_ folds: [Fold], _ spans: LabelSpans, embargoMinutes: Int) -> [Overlap] {
    folds.enumerated().compactMap { index, fold in
      overlap(train: fold.train, test: RangeSet(fold.test), spans, embargoMinutes).map {
        Overlap(fold: index, row: $0, decisionTime: spans.decisionTimes[$0], labelEnd: spans.labelEnds[$0])
      }
    }
  }

  /// The first training row that overlaps a tested row.
  package static func overlap(
    train: RangeSet<Int>, test: RangeSet<Int>, _ spans: LabelSpans, _ embargoMinutes: Int
  ) -> Int? {
    let tested = test.rows
    var latestEnds: [Timestamp] = []
    latestEnds.reserveCapacity(tested.count)
    for row in tested { latestEnds.append(max(latestEnds.last ?? .distantPast, spans.labelEnds[row])) }
    return train.rows.first { row in
      let reach = spans.labelEnds[row].adding(minutes: embargoMinutes)
      let started = countOfRows(tested, decidedBy: reach, spans)
      return started > 0 && latestEnds[started - 1] >= spans.decisionTimes[row]
    }
  }

  private static func countOfRows(_ rows: [Int], decidedBy time: Timestamp, _ spans: LabelSpans) -> Int {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if spans.decisionTimes[rows[middle]] <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
