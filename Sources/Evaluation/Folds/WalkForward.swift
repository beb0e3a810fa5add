package import Market

/// Folds in time: each is tested on a period after everything it was trained on.
///
/// A training label must end before its test starts minus the embargo, so that no label that a model learns from
/// overlaps one it is judged by.
package struct WalkForward: Sendable {
  package let foldCount: Int
  /// Minutes kept free between the end of the last training label and the first tested decision.
  package let embargoMinutes: Int
  /// The part of all rows before the first test; 0–1.
  package let initialShare: Double
  /// Length of a rolling training window; `nil` for all rows so far.
  package let trainingMinutes: Int?

  package init(foldCount: Int, embargoMinutes: Int, initialShare: Double = 0.5, trainingMinutes: Int? = nil) {
    precondition(foldCount > 0 && embargoMinutes >= 0 && (0..<1).contains(initialShare), "impossible folds")
    self.foldCount = foldCount
    self.embargoMinutes = embargoMinutes
    self.initialShare = initialShare
    self.trainingMinutes = trainingMinutes
  }

  /// The folds in order of time. The tests are equal parts of the rows after the initial share; rows of one decision
  /// time stay together. A fold whose test or training would be empty is left out.
  package func folds(_ spans: LabelSpans) -> [Fold] {
    let first = Int(Double(spans.count) * initialShare)
    let bounds = (0...foldCount).map { part in
      startOfDecision(first + (spans.count - first) * part / foldCount, spans)
    }
    return zip(bounds, bounds.dropFirst()).compactMap { start, end in
      guard start < end else { return nil }
      let fold = Fold(train: training(before: start, spans), test: start..<end)
      return fold.train.isEmpty ? nil : fold
    }
  }

  /// The fold that is trained on everything before a period and tested on the period.
  package func fold(testing period: Range<Timestamp>, _ spans: LabelSpans) -> Fold? {
    let test = spans.rows(in: period)
    guard !test.isEmpty else { return nil }
    let fold = Fold(train: training(before: test.lowerBound, spans), test: test)
    return fold.train.isEmpty ? nil : fold
  }

  /// Cuts training rows in time: the last `laterShare` of them, and the earlier ones whose labels end in time.
  ///
  /// Early stopping takes the last tenth; a hybrid fits its net on the earlier rows and its trees on the later ones.
  package func split(_ rows: RangeSet<Int>, laterShare: Double, _ spans: LabelSpans) -> Split {
    let all = rows.rows
    guard !all.isEmpty else { return Split(earlier: rows, later: rows) }
    let wanted = all[min(all.count - 1, Int(Double(all.count) * (1 - laterShare)))]
    let start = startOfDecision(wanted, spans)
    let later = rows.intersection(RangeSet(start..<spans.count))
    let earlier = rows.intersection(RangeSet(0..<start))
    return Split(earlier: spans.finished(earlier, before: deadline(testStart: start, spans)), later: later)
  }

  /// The last purged tenth of a training window.
  package func earlyStopping(_ train: RangeSet<Int>, _ spans: LabelSpans) -> Split {
    split(train, laterShare: 0.1, spans)
  }

  /// What may be learnt from out-of-fold predictions: for each test but the first, the rows tested before it whose
  /// labels are finished in time.
  package func outOfFold(_ folds: [Fold], _ spans: LabelSpans) -> [Fold] {
    folds.indices.dropFirst().compactMap { index in
      let test = folds[index].test
      let fold = Fold(train: finishedTests(folds[..<index], before: test.lowerBound, spans), test: test)
      return fold.train.isEmpty ? nil : fold
    }
  }

  /// Earlier folds as far as what is judged by `test` may be learnt from them: their tests without the rows whose labels
  /// end too late.
  package func finished(_ folds: ArraySlice<Fold>, before test: Range<Int>, _ spans: LabelSpans) -> [Fold] {
    let end = deadline(testStart: test.lowerBound, spans)
    return folds.compactMap { fold in
      let rows = fold.test.prefix { spans.labelEnds[$0] < end }
      return rows.isEmpty ? nil : Fold(train: fold.train, test: rows)
    }
  }

  private func finishedTests(_ folds: ArraySlice<Fold>, before row: Int, _ spans: LabelSpans) -> RangeSet<Int> {
    spans.finished(RangeSet(folds.map(\.test)), before: deadline(testStart: row, spans))
  }

  private func training(before row: Int, _ spans: LabelSpans) -> RangeSet<Int> {
    let end = deadline(testStart: row, spans)
    let start = trainingMinutes.map { spans.rows(in: end.adding(minutes: -$0)..<end).lowerBound } ?? 0
    return spans.finished(RangeSet(min(start, row)..<row), before: end)
  }

  private func deadline(testStart row: Int, _ spans: LabelSpans) -> Timestamp {
    spans.decisionTimes[row].adding(minutes: -embargoMinutes)
  }

  private func startOfDecision(_ row: Int, _ spans: LabelSpans) -> Int {
    guard row < spans.count else { return spans.count }
    var start = row
    while start > 0, spans.decisionTimes[start - 1] == spans.decisionTimes[start] { start -= 1 }
    return start
  }
}

/// Rows to learn from and later rows to be judged by.
package struct Fold: Equatable, Sendable {
  package let train: RangeSet<Int>
  package let test: Range<Int>

  package init(train: RangeSet<Int>, test: Range<Int>) {
    (self.train, self.test) = (train, test)
  }
}

/// Training rows cut in time, purged at the cut.
package struct Split: Equatable, Sendable {
  package let earlier: RangeSet<Int>
  package let later: RangeSet<Int>
}
