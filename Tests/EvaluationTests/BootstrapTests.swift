import Evaluation
import Market
import Models
import Testing

struct BootstrapTests {
  private func times(days: Int, rowsPerDay: Int) -> [Timestamp] {
    (0..<days * rowsPerDay).map {
      Timestamp(microseconds: Int64($0 / rowsPerDay) * Timestamp.microsecondsPerDay + Int64($0 % rowsPerDay))
    }
  }

  private func uniform(_ generator: inout SplitMix64) -> Double { Double(generator.next() >> 11) / 0x1p53 }

  @Test func `the interval of a mean is as wide as that of the day means`() throws {
    var generator = SplitMix64(seed: 1)
    let days = 100
    let shocks = (0..<days).map { _ in (0..<12).reduce(-6) { sum, _ in sum + uniform(&generator) } }
    let bootstrap = DayBootstrap(times: times(days: days, rowsPerDay: 30))
    let estimate = bootstrap.mean((0..<days * 30).map { shocks[$0 / 30] })
    let mean = shocks.reduce(0, +) / Double(days)
    let deviation = (shocks.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(days)).squareRoot()
    let (low, high) = (try #require(estimate.low), try #require(estimate.high))
    #expect(abs(estimate.value! - mean) < 1e-12)
    #expect(abs((high - low) / (2 * 1.96 * deviation / Double(days).squareRoot()) - 1) < 0.1)
  }

  @Test(arguments: 0..<5)
  func `the area of a resample is that of the rows drawn`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let rows = 12 * 15
    let scored = Scored(
      probabilities: (0..<rows).map { _ in Double(generator.next() % 40) / 40 },
      labels: (0..<rows).map { _ in Double(generator.next() % 2) },
      weights: (0..<rows).map { _ in Double(generator.next() % 3 + 1) })
    let estimate = DayBootstrap(times: times(days: 12, rowsPerDay: 15), resampleCount: 60, seed: 9).auc(scored)
    #expect(abs(estimate.value! - scored.auc) < 1e-12)
    var draws = SplitMix64(seed: 9)
    var areas: [Double] = []
    for _ in 0..<60 {
      var drawn: [Int] = []
      for _ in 0..<12 {
        let day = Int(draws.next().multipliedFullWidth(by: UInt64(12)).high)
        drawn += day * 15..<(day + 1) * 15
      }
      areas.append(scored.selecting(drawn).auc)
    }
    areas.sort()
    #expect(abs(estimate.low! - (areas[1] + 0.475 * (areas[2] - areas[1]))) < 1e-12)
    #expect(abs(estimate.high! - (areas[57] + 0.525 * (areas[58] - areas[57]))) < 1e-12)
  }

  @Test func `a paired difference is tighter than its parts`() throws {
    var generator = SplitMix64(seed: 3)
    let common = (0..<40).map { _ in uniform(&generator) }
    let first = (0..<400).map { _ in 0.01 * uniform(&generator) }
    let values = (0..<400).map { common[$0 / 10] + first[$0] }
    let others = (0..<400).map { common[$0 / 10] + 0.02 }
    let bootstrap = DayBootstrap(times: times(days: 40, rowsPerDay: 10))
    let difference = bootstrap.improvement(values, over: others)
    let alone = bootstrap.mean(values)
    #expect(difference.isAboveZero)
    #expect(difference.high! - difference.low! < 0.05 * (alone.high! - alone.low!))
  }

  @Test func `the same seed gives the same interval`() {
    let values = (0..<300).map { Double($0 * 7919 % 101) }
    let times = times(days: 30, rowsPerDay: 10)
    #expect(DayBootstrap(times: times).mean(values) == DayBootstrap(times: times).mean(values))
    #expect(DayBootstrap(times: times, seed: 1).mean(values) != DayBootstrap(times: times, seed: 2).mean(values))
  }

  @Test func `few days are warned of and one day has no interval`() {
    #expect(DayBootstrap(times: times(days: 20, rowsPerDay: 1)).warning == nil)
    #expect(DayBootstrap(times: times(days: 19, rowsPerDay: 1)).warning?.contains("19 days") == true)
    let single = DayBootstrap(times: times(days: 1, rowsPerDay: 5)).mean([1, 2, 3, 4, 5])
    #expect(single == Estimate(3))
  }
}
