import Evaluation
import Market
import Testing

/// How sure it is how often something happens.
struct IntervalTests {
  @Test func `a share's interval is the one that tables of Wilson's score have`() throws {
    for (share, count, low, high) in [
      (0.5, 10, 0.2366, 0.7634), (0.0, 20, 0.0, 0.1611), (0.3, 100, 0.2189, 0.3958), (1.0, 5, 0.5655, 1.0),
    ] {
      let interval = try #require(WilsonInterval(share: share, of: count))
      #expect(abs(interval.low - low) < 5e-5 && abs(interval.high - high) < 5e-5, "\(share) of \(count): \(interval)")
    }
    #expect(WilsonInterval(share: 0.5, of: 0) == nil && WilsonInterval(share: .nan, of: 10) == nil)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `at its ends the share that was seen is as unlikely as one in forty`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 1...500, using: &random)
    let share = Double(Int.random(in: 0...count, using: &random)) / Double(count)
    let interval = try #require(WilsonInterval(share: share, of: count))
    #expect(interval.low <= share + 1e-12 && share <= interval.high + 1e-12)
    for end in [interval.low, interval.high] where end > 1e-9 && end < 1 - 1e-9 {
      let distance = abs(share - end) / (end * (1 - end) / Double(count)).squareRoot()
      #expect(abs(distance - 1.959964) < 1e-5, "seed \(seed)")
    }
  }

  // MARK: Of probabilities

  private func span(_ minute: Int64, _ horizon: Int) -> Range<Timestamp> {
    Timestamp(minute: minute)..<Timestamp(minute: minute).adding(minutes: horizon)
  }

  @Test func `outcomes that overlap count once`() throws {
    var bins = SettledBins()
    for minute in 0..<135 as Range<Int64> { bins.add(0.55, label: minute % 2 == 0 ? 1 : 0, span: span(minute, 15)) }
    #expect(bins.interval(of: 0.55) == nil, "nine follow each other")
    bins.add(0.55, label: 0, span: span(135, 15))
    let interval = try #require(bins.interval(of: 0.55))
    #expect(interval == WilsonInterval(share: 68.0 / 136, of: 10))
  }

  @Test func `only probabilities near each other tell of each other`() throws {
    var bins = SettledBins()
    for minute in 0..<100 as Range<Int64> { bins.add(0.82, label: 1, span: span(5 * minute, 5)) }
    #expect(try #require(bins.interval(of: 0.899)).low > 0.9)
    #expect(bins.interval(of: 0.799) == nil && bins.interval(of: 0.9) == nil)
  }

  @Test func `what comes late counts and is not independent`() throws {
    var bins = SettledBins()
    for minute in 10..<20 as Range<Int64> { bins.add(0.3, label: 0, span: span(5 * minute, 5)) }
    bins.add(0.3, label: 1, span: span(3, 5))
    #expect(bins.interval(of: 0.3) == WilsonInterval(share: 1.0 / 11, of: 10))
  }

  @Test func `what is neither a probability nor an outcome is left out`() {
    var bins = SettledBins()
    for minute in 0..<100 as Range<Int64> {
      bins.add(.nan, label: 1, span: span(5 * minute, 5))
      bins.add(1.5, label: 1, span: span(5 * minute, 5))
      bins.add(0.5, label: .nan, span: span(5 * minute, 5))
    }
    #expect(bins.interval(of: 0.5) == nil && bins.interval(of: .nan) == nil && bins.interval(of: 1.5) == nil)
  }

  @Test func `of overlapping outcomes it holds what it promises`() throws {
    // The sign of a sum of fifteen steps is up half the time, and its neighbours have fourteen of them in common.
    var hits = 0
    for seed in 0..<300 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let steps = (0..<915).map { _ in Double.random(in: -1...1, using: &random) }
      var bins = SettledBins()
      for minute in 0..<900 {
        bins.add(
          0.5, label: steps[minute..<minute + 15].reduce(0, +) > 0 ? 1 : 0, span: span(Int64(minute), 15))
      }
      let interval = try #require(bins.interval(of: 0.5))
      if interval.low <= 0.5, 0.5 <= interval.high { hits += 1 }
    }
    #expect(hits > 270, "\(hits) of 300")
  }
}
