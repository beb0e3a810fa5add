import Ingestion
import Market
import TestSupport
import Testing

@Suite struct OracleTWAPTests {
  private typealias Made = OracleMade

  private func mean(_ ticks: [OracleTick], at second: Double, seconds: Int) -> OraclePrice? {
    TimeWeightedMean(seconds: seconds).value(before: Made.time(seconds: second), of: OracleTrack(ticks))
  }

  @Test func `a value weighs as long as it is the last one`() {
    let ticks =
      [Made.tick(28, "100"), Made.tick(33, "200"), Made.tick(36, "400")]
      + stride(from: 38.0, through: 60, by: 2).map { Made.tick($0, "400") }
    // 100 for three seconds, 200 for three, 400 for twenty-four.
    #expect(mean(ticks, at: 60, seconds: 30) == OraclePrice("350"))
    #expect(mean(ticks + [Made.tick(60, "999999")], at: 60, seconds: 30) == OraclePrice("350"))
    #expect(
      mean(ticks.map { $0.time == Made.time(seconds: 28) ? Made.tick(30, "100") : $0 }, at: 60, seconds: 30)
        == OraclePrice("350"))
  }

  @Test func `a value is needed when the seconds begin, and no hole is longer than five seconds`() {
    let ticks = stride(from: 0.0, through: 60, by: 5).map { Made.tick($0, "7") }
    #expect(mean(ticks, at: 60, seconds: 60) == OraclePrice("7"))
    #expect(mean(ticks, at: 65, seconds: 60) == OraclePrice("7"))
    #expect(mean(ticks, at: 65.001, seconds: 60) == nil)
    #expect(mean(Array(ticks.dropFirst()), at: 60, seconds: 60) == nil)
    for index in 1..<ticks.count - 1 {
      var holed = ticks
      holed.remove(at: index)
      #expect(mean(holed, at: 60, seconds: 60) == nil)
    }
    #expect(mean([], at: 60, seconds: 60) == nil)
    #expect(mean([Made.tick(70, "7")], at: 60, seconds: 60) == nil)
  }

  @Test func `a constant price is its own mean, whatever its digits`() {
    for units in [1, 2, 3, Int128.max, 64_997_810_000_000_000_000_001] {
      let ticks = (0...60).map {
        OracleTick(
          feed: .bitcoinUSD, source: .relay, time: Made.time(seconds: Double($0)), price: OraclePrice(units: units))
      }
      #expect(mean(ticks, at: 60, seconds: 60)?.units == units)
    }
  }

  /// By the millisecond, in which all made times are whole.
  private func slowMean(_ ticks: [OracleTick], at end: Timestamp, seconds: Int) -> OraclePrice? {
    let start = end.milliseconds - Int64(seconds) * 1000
    var sum: Int128 = 0
    var index = -1
    for millisecond in start..<end.milliseconds {
      while index + 1 < ticks.count, ticks[index + 1].time.milliseconds <= millisecond { index += 1 }
      guard index >= 0 else { return nil }
      guard millisecond + 1 - ticks[index].time.milliseconds <= 5000 else { return nil }
      sum += ticks[index].price.units
    }
    let count = Int128(seconds) * 1000
    return OraclePrice(units: (sum + count / 2) / count)
  }

  @Test(arguments: Soak.seeds(6))
  func `means equal those added up by the millisecond`(seed: UInt64) {
    let ticks = Made.walk(seed: seed, seconds: 400)
    var random = SplitMix64(seed: seed)
    var known = 0
    for _ in 0..<12 {
      let end = Made.time(seconds: 0).adding(microseconds: .random(in: 60_000...400_000, using: &random) * 1000)
      for seconds in [30, 60] {
        let value = TimeWeightedMean(seconds: seconds).value(before: end, of: OracleTrack(ticks))
        #expect(value == slowMean(ticks, at: end, seconds: seconds))
        known += value == nil ? 0 : 1
      }
    }
    #expect(known > 0)
  }

  @Test(arguments: Soak.seeds(6))
  func `a running window gives what the whole history gives`(seed: UInt64) {
    let ticks = Made.walk(seed: seed, seconds: 2000)
    let track = OracleTrack(ticks)
    var window = TWAPWindow(feed: .bitcoinUSD, seconds: 60)
    for tick in ticks {
      #expect(window.tick(at: tick.time.adding(microseconds: 1)) == nil)
      window.receive(tick)
      let expected = TimeWeightedMean(seconds: 60).value(before: tick.time, of: track)
      #expect(window.tick(at: tick.time)?.price == expected)
    }
  }

  @Test func `a mean made here says so`() throws {
    var window = TWAPWindow(feed: .bitcoinUSD, seconds: 30)
    for second in 0...30 { window.receive(Made.tick(Double(second), "65000.5")) }
    #expect(
      window.tick(at: Made.time(seconds: 30))
        == Made.tick(30, "65000.5", .derived, quantity: .timeWeightedMean(seconds: 30)))
  }

  @Test func `means, on-chain answers and other feeds are no part of a mean`() {
    var window = TWAPWindow(feed: .bitcoinUSD, seconds: 30)
    for second in 0...30 {
      window.receive(Made.tick(Double(second), "100"))
      window.receive(Made.tick(Double(second) + 0.5, "200", quantity: .timeWeightedMean(seconds: 30)))
      window.receive(Made.tick(Double(second) + 0.6, "300", .onChain))
    }
    #expect(window.tick(at: Made.time(seconds: 30))?.price == OraclePrice("100"))
  }
}
