import Evaluation
import Market
import Testing

struct FoldTests {
  /// Decisions at random minutes, some shared, with labels of 1–90 minutes.
  private func randomSpans(_ seed: UInt64, count: Int = 400) -> LabelSpans {
    var generator = SplitMix64(seed: seed)
    var minute: Int64 = 28_000_000
    var decisions: [Timestamp] = []
    var ends: [Timestamp] = []
    for _ in 0..<count {
      minute += Int64(generator.next() % 7)
      decisions.append(Timestamp(minute: minute))
      ends.append(Timestamp(minute: minute + Int64(generator.next() % 90) + 1))
    }
    return LabelSpans(decisionTimes: decisions, labelEnds: ends)
  }

  private func overlaps(_ train: Int, _ test: Int, _ spans: LabelSpans, _ embargo: Int) -> Bool {
    spans.decisionTimes[train] <= spans.labelEnds[test]
      && spans.labelEnds[train] >= spans.decisionTimes[test].adding(minutes: -embargo)
  }

  private func isClean(_ train: RangeSet<Int>, _ test: RangeSet<Int>, _ spans: LabelSpans, _ embargo: Int) -> Bool {
    let tested = test.rows
    return train.rows.allSatisfy { row in tested.allSatisfy { !overlaps(row, $0, spans, embargo) } }
  }

  @Test(arguments: 0..<30)
  func `no training label touches a tested interval or its embargo`(seed: UInt64) {
    let spans = randomSpans(seed)
    let embargo = Int(seed % 4) * 10
    let rolling = seed % 2 == 0 ? nil : 500
    let walk = WalkForward(foldCount: 4, embargoMinutes: embargo, initialShare: 0.4, trainingMinutes: rolling)
    let folds = walk.folds(spans)
    #expect(folds.count == 4)
    for fold in folds {
      #expect(isClean(fold.train, RangeSet(fold.test), spans, embargo))
    }
    #expect(LeakCheck.folds(folds, spans, embargoMinutes: embargo).isEmpty)
  }

  @Test(arguments: 0..<30)
  func `the inner splits are as clean as the folds`(seed: UInt64) {
    let spans = randomSpans(seed)
    let walk = WalkForward(foldCount: 3, embargoMinutes: 15)
    let folds = walk.folds(spans)
    for fold in folds {
      let stop = walk.earlyStopping(fold.train, spans)
      #expect(isClean(stop.earlier, stop.later, spans, 15))
      #expect(stop.later.isSubset(of: fold.train) && stop.earlier.isSubset(of: fold.train))
      #expect(abs(stop.later.rowCount - fold.train.rowCount / 10) <= 8)
      let hybrid = walk.split(fold.train, laterShare: 0.5, spans)
      #expect(isClean(hybrid.earlier, hybrid.later, spans, 15))
    }
    for fold in walk.outOfFold(folds, spans) {
      #expect(isClean(fold.train, RangeSet(fold.test), spans, 15))
    }
    for index in folds.indices {
      for fold in walk.finished(folds[..<index], before: folds[index].test, spans) {
        #expect(isClean(RangeSet(fold.test), RangeSet(folds[index].test), spans, 15))
      }
    }
  }

  @Test(arguments: 0..<30)
  func `the check finds every unpurged overlap`(seed: UInt64) {
    let spans = randomSpans(seed, count: 120)
    var generator = SplitMix64(seed: seed ^ 0xABCD)
    let start = 40 + Int(generator.next() % 40)
    let gap = Int(generator.next() % 30)
    let fold = Fold(train: RangeSet([0..<start - gap, 110..<115]), test: start..<105)
    let isClean = isClean(fold.train, RangeSet(fold.test), spans, 10)
    #expect(LeakCheck.folds([fold], spans, embargoMinutes: 10).isEmpty == isClean)
  }

  @Test func `the tests follow each other and cover the rows after the initial share`() {
    let times = (0..<1000).map { Timestamp(minute: $0) }
    let spans = LabelSpans(decisionTimes: times, labelEnds: times.map { $0.adding(minutes: 15) })
    let folds = WalkForward(foldCount: 5, embargoMinutes: 15).folds(spans)
    #expect(folds.map(\.test) == [500..<600, 600..<700, 700..<800, 800..<900, 900..<1000])
    #expect(folds.map(\.train) == [470, 570, 670, 770, 870].map { RangeSet(0..<$0) })
  }

  @Test func `a rolling window forgets`() {
    let times = (0..<1000).map { Timestamp(minute: $0) }
    let spans = LabelSpans(decisionTimes: times, labelEnds: times.map { $0.adding(minutes: 5) })
    let walk = WalkForward(foldCount: 2, embargoMinutes: 5, trainingMinutes: 100)
    #expect(walk.folds(spans).map(\.train) == [RangeSet(395..<490), RangeSet(645..<740)])
  }

  @Test func `a period becomes one fold`() {
    let times = (0..<100).map { Timestamp(minute: $0) }
    let spans = LabelSpans(decisionTimes: times, labelEnds: times.map { $0.adding(minutes: 5) })
    let walk = WalkForward(foldCount: 1, embargoMinutes: 5)
    let fold = walk.fold(testing: Timestamp(minute: 60)..<Timestamp(minute: 80), spans)
    #expect(fold == Fold(train: RangeSet(0..<50), test: 60..<80))
    #expect(walk.fold(testing: Timestamp(minute: 200)..<Timestamp(minute: 300), spans) == nil)
  }

  @Test func `rows of one label weigh as one`() {
    let ends = [5, 5, 5, 5, 10, 10].map { Timestamp(minute: $0) }
    let spans = LabelSpans(decisionTimes: [1, 2, 3, 4, 6, 7].map { Timestamp(minute: $0) }, labelEnds: ends)
    #expect(spans.equalLabelWeights == [0.25, 0.25, 0.25, 0.25, 0.5, 0.5])
  }
}
