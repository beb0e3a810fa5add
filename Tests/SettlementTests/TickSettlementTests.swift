import Market
import Settlement
import TestSupport
import Testing

struct TickSettlementTests {
  private let oracle = Series("chainlink:BTC/USD")!
  private static let meanOfThirty = SettlementRule.chainlinkEpochs[1].start
  private static let meanOfSixty = SettlementRule.chainlinkEpochs[2].start
  /// A time at which means over sixty seconds settle.
  private static let now = meanOfSixty.adding(minutes: 60 * 24)

  private func target(_ name: String = "window-5m", _ source: String = "chainlink:BTC/USD") -> SettledTarget {
    SettledTarget(PredictionTarget(name)!, source: Series(source)!)
  }

  private func tick(
    _ time: Timestamp, _ price: OraclePrice, _ quantity: OracleTick.Quantity = .price, _ source: OracleSource = .relay
  ) -> OracleTick {
    OracleTick(feed: .bitcoinUSD, source: source, quantity: quantity, time: time, price: price)
  }

  /// One tick a second over these seconds after `start`.
  private func ticks(
    _ start: Timestamp, _ seconds: ClosedRange<Int>, _ price: (Int) -> OraclePrice
  ) -> [OracleTick] {
    seconds.map { tick(start.adding(microseconds: Int64($0) * 1_000_000), price($0)) }
  }

  private func minutes(_ start: Timestamp, _ count: Int, absent: Set<Int> = []) -> PricePath {
    let present = (0..<count).filter { !absent.contains($0) }
    return PricePath(
      minutes: present.map { start.minute + Int64($0) }, opens: present.map { _ in 1 }, closes: present.map { _ in 1 })
  }

  private func outcome(
    _ ticks: [OracleTick], start: Timestamp = now, prices: PricePath? = nil, length: Int = 5
  ) throws -> Double? {
    try target("window-\(length)m").outcome(
      decisionTime: start.adding(minutes: 1), prices: prices ?? minutes(start, length), ticks: TickPath(ticks))?.value
  }

  // MARK: Points

  @Test(
    arguments: [
      ("XRP", 1_771_819_800, "1.33997625", "1.3401950363097384", 1_771_820_098, 1.0),
      ("BTC", 1_771_820_400, "64928.76883506973", "64790.08246810615", 1_771_820_699, 0.0),
      ("ETH", 1_771_820_400, "1863.013836", "1860.743845", 1_771_820_699, 0.0),
      ("SOL", 1_771_820_400, "77.67508524191737", "77.5325302779664", 1_771_820_699, 0.0),
      ("XRP", 1_771_820_400, "1.338143", "1.3382763045737176", 1_771_820_699, 1.0),
    ] as [(String, Int64, String, String, Int64, Double)])
  func `windows that were resolved officially come out the same`(
    asset: String, start: Int64, strike: String, last: String, seen: Int64, official: Double
  ) throws {
    let window = Timestamp(milliseconds: start * 1000)
    let path = TickPath([
      tick(window, OraclePrice(strike)!), tick(Timestamp(milliseconds: seen * 1000), OraclePrice(last)!),
    ])
    let outcome = try target("window-5m", "chainlink:\(asset)/USD").outcome(
      decisionTime: window.adding(minutes: 3), prices: minutes(window, 5), ticks: path)
    #expect(outcome == Outcome(value: official, labelEnd: window.adding(minutes: 5)))
  }

  @Test func `a point is the last price by then, no older than five seconds`() {
    let time = Timestamp("2026-03-01T00:05:00Z")!
    func value(_ offsets: [Int64]) -> OraclePrice? {
      TickPath(offsets.map { tick(time.adding(microseconds: $0), OraclePrice(units: Int128($0) + 10_000_000)) })
        .value(at: time, rule: .point)
    }
    #expect(value([-2_000_000, 0, 1]) == OraclePrice(units: 10_000_000))
    #expect(value([-5_000_000, 1]) == OraclePrice(units: 5_000_000))
    #expect(value([-5_000_001, 1]) == nil)
    #expect(value([]) == nil)
  }

  @Test func `an equal end is up, and the eighteenth digit decides`() throws {
    let start = Timestamp("2026-03-01T00:05:00Z")!
    let strike = OraclePrice("65000.123456789012345678")!
    func value(_ units: Int128) throws -> Double? {
      try outcome(
        [tick(start, strike), tick(start.adding(minutes: 5), OraclePrice(units: strike.units + units))], start: start)
    }
    #expect(try value(0) == 1)
    #expect(try value(-1) == 0)
    #expect(try value(1) == 1)
  }

  // MARK: Means

  @Test func `the ends of a window are means over the minute before each`() throws {
    func path(_ rise: Int128) -> [OracleTick] {
      ticks(Self.now, -60...300) { second in
        OraclePrice(units: second < 0 ? 100_000 : second < 240 ? 1 : second < 299 ? 100_000 : 100_000 + rise)
      }
    }
    #expect(try outcome(path(0)) == 1)
    #expect(try outcome(path(60)) == 1)
    #expect(try outcome(path(-60)) == 0)
    #expect(
      TickPath(path(60)).value(at: Self.now.adding(minutes: 5), rule: .timeWeightedMean(seconds: 60))?.units == 100_001)
  }

  @Test func `a mean published for the very instant comes before one made here`() throws {
    let end = Self.now.adding(minutes: 5)
    let flat = ticks(Self.now, -60...300) { _ in OraclePrice(units: 1000) }
    let sixty = OracleTick.Quantity.timeWeightedMean(seconds: 60)
    #expect(try outcome(flat) == 1)
    #expect(try outcome(flat + [tick(end, OraclePrice(units: 999), sixty)]) == 0)
    #expect(try outcome(flat + [tick(end, OraclePrice(units: 999), .timeWeightedMean(seconds: 30))]) == 1)
    #expect(try outcome(flat + [tick(end.adding(microseconds: -1_000_000), OraclePrice(units: 999), sixty)]) == 1)
    #expect(try outcome(flat + [tick(end, OraclePrice(units: 999), sixty, .derived)]) == 1)
    #expect(
      try outcome([
        tick(Self.now, OraclePrice(units: 5), sixty, .polybolt), tick(end, OraclePrice(units: 4), sixty, .relay),
      ]) == 0)
    #expect(TickPath(flat).derived(at: end, seconds: 60)?.units == 1000)
  }

  @Test func `the strike of a window is the end of the one before`() {
    let path = TickPath(ticks(Self.now, -60...600) { OraclePrice(units: Int128(1_000_000 + $0 * $0 % 977)) })
    let middle = Self.now.adding(minutes: 5)
    #expect(path.value(at: middle, rule: .timeWeightedMean(seconds: 60)) != nil)
    #expect(path.value(at: middle, rule: .timeWeightedMean(seconds: 60)) == path.derived(at: middle, seconds: 60))
  }

  @Test func `a sampled or absent minute, or a hole before an end, leaves the outcome unknown`() throws {
    let flat = ticks(Self.now, -60...300) { _ in OraclePrice(units: 1000) }
    #expect(try outcome(flat, prices: minutes(Self.now, 5, absent: [2])) == nil)
    func without(_ seconds: Range<Int64>) -> [OracleTick] {
      flat.filter { !seconds.contains(($0.time.microseconds - Self.now.microseconds) / 1_000_000) }
    }
    #expect(try outcome(without(250..<254)) == 1)
    #expect(try outcome(without(250..<255)) == nil)
    #expect(try outcome(without(100..<140)) == 1)
    #expect(try outcome(without(-30 ..< -20)) == nil)
    #expect(try outcome(flat.map { tick($0.time, $0.price, .price, .onChain) }) == nil)
    let sampled = (0..<5).map { index in
      OracleMinute(
        feed: .bitcoinUSD, openTime: Self.now.adding(minutes: index), open: OraclePrice("1")!, high: OraclePrice("1")!,
        low: OraclePrice("1")!, close: OraclePrice("1")!, ticks: 60, isSampled: index == 3)
    }
    #expect(try outcome(flat, prices: PricePath(sampled)) == nil)
    #expect(
      try outcome(
        flat,
        prices: PricePath(
          sampled.map { minute in
            var minute = minute
            minute.isSampled = false
            return minute
          })) == 1)
  }

  // MARK: Epochs

  @Test(arguments: [meanOfThirty, meanOfSixty])
  func `a window settles by the rule at its start, and not at all where a new rule begins within it or at its end`(
    change: Timestamp
  ) throws {
    func value(_ start: Timestamp) throws -> Double? {
      try outcome(ticks(start, -60...300) { _ in OraclePrice(units: 1000) }, start: start)
    }
    #expect(try value(change) == 1)
    #expect(try value(change.adding(minutes: -5)) == nil)
    #expect(try value(change.adding(minutes: -10)) == 1)
    let start = change.adding(minutes: -15)
    #expect(
      try outcome(ticks(start, -60...900) { _ in OraclePrice(units: 1000) }, start: start, length: 15) == nil)
  }

  @Test func `each epoch reads its own seconds`() throws {
    // High only between sixty and thirty seconds before the end.
    func value(_ start: Timestamp) throws -> Double? {
      try outcome(
        ticks(start, -60...300) { second in
          OraclePrice(units: (240..<270).contains(second) ? 2000 : 1000 - Int128(second / 271))
        },
        start: start)
    }
    #expect(try value(Self.meanOfThirty.adding(minutes: -60)) == 0)
    #expect(try value(Self.meanOfThirty) == 0)
    #expect(try value(Self.meanOfSixty) == 1)
  }

  @Test func `a simulated oracle settles by the same rules, and candles alone do not settle it`() throws {
    let simulated = target("window-5m", "sim-chainlink:BTC/USD")
    let time = Self.now.adding(minutes: 1)
    #expect(throws: SettlementError.self) { try simulated.outcome(decisionTime: time, prices: minutes(Self.now, 5)) }
    let flat = TickPath(ticks(Self.now, -60...300) { _ in OraclePrice(units: 1000) })
    #expect(try simulated.outcome(decisionTime: time, prices: minutes(Self.now, 5), ticks: flat)?.value == 1)
    let exchange = target("window-5m", "sim-binance:BTCUSDT")
    #expect(try exchange.outcome(decisionTime: time, prices: minutes(Self.now, 5))?.value == 1)
  }

  // MARK: Properties

  /// A walk of an hour, a tick a second with holes.
  private func walk(_ random: inout SplitMix64) -> [OracleTick] {
    var units: Int128 = 65_000_000_000_000_000_000_000
    return ticks(Self.now, -120...3600) { _ in
      units += Int128(Int64.random(in: -9_000_000_000_000_000...9_000_000_000_000_000, using: &random))
      return OraclePrice(units: units)
    }.filter { _ in random.next() % 40 != 0 }
  }

  /// By adding up seconds, in which all ticks are whole.
  private func slowMean(_ ticks: [OracleTick], at time: Timestamp) -> OraclePrice? {
    let prices = Dictionary(uniqueKeysWithValues: ticks.map { ($0.time, $0.price) })
    var sum: Int128 = 0
    for second in -60..<0 {
      let instant = time.adding(microseconds: Int64(second) * 1_000_000)
      let carried = (0..<5).lazy.compactMap { prices[instant.adding(microseconds: -Int64($0) * 1_000_000)] }.first
      guard let carried else { return nil }
      sum += carried.units
    }
    return OraclePrice(units: (sum + 30) / 60)
  }

  @Test(arguments: Soak.seeds(10))
  func `labels agree with sums by the second`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let walk = walk(&random)
    let times = (-5..<65).map { Self.now.adding(minutes: $0) }
    let labels = try target().labels(
      at: times, prices: minutes(Self.now, 60), ticks: TickPath(walk.shuffled(using: &random)))
    var known = 0
    for (row, time) in times.enumerated() {
      let start = Timestamp(minute: time.minute.flooredQuotient(5) * 5)
      let isInside = start >= Self.now && start < Self.now.adding(minutes: 60) && time != start
      let ends = [start, start.adding(minutes: 5)].map { slowMean(walk, at: $0) }
      let expected: Double? = isInside ? ends[0].flatMap { first in ends[1].map { $0 >= first ? 1 : 0 } } : nil
      #expect(labels.values[row].isNaN == (expected == nil))
      if let expected {
        #expect(labels.values[row] == expected)
        known += 1
      }
      #expect(labels.labelEnds[row] == (time == start ? time : start.adding(minutes: 5)))
    }
    #expect(known > 20)
  }

  @Test(arguments: Soak.seeds(10))
  func `whatever is observed after a window's end, nothing that ended changes`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let walk = walk(&random)
    let cut = Self.now.adding(minutes: .random(in: 1...59, using: &random))
    let other = walk.compactMap { observed -> OracleTick? in
      guard observed.time > cut else { return observed }
      guard random.next() % 4 != 0 else { return nil }
      return tick(observed.time, OraclePrice(units: Int128(random.next() >> 1) + 1))
    }
    let published = tick(
      cut.adding(microseconds: 1), OraclePrice(units: 1), .timeWeightedMean(seconds: 60), .dataStreams)
    for name in ["window-5m", "window-15m"] {
      let times = (0..<60).map { Self.now.adding(minutes: $0) }
      func labels(_ ticks: [OracleTick]) throws -> Labels {
        try target(name).labels(at: times, prices: minutes(Self.now, 60), ticks: TickPath(ticks))
      }
      let (before, after) = (try labels(walk), try labels(other + [published]))
      for row in times.indices where before.labelEnds[row] <= cut {
        #expect(before.values[row].bitPattern == after.values[row].bitPattern)
      }
    }
  }

  @Test func `directions and changes on an oracle use the closes of whole minutes`() throws {
    let all = (0..<10).map { index in
      OracleMinute(
        feed: .bitcoinUSD, openTime: Timestamp(minute: Int64(100 + index)), open: OraclePrice("5")!,
        high: OraclePrice("9")!, low: OraclePrice("1")!, close: OraclePrice("\(index + 1).000000001")!, ticks: 60,
        isSampled: index == 7)
    }
    let prices = PricePath(all)
    #expect(prices.close(minute: 100) == 1)
    func value(_ name: String, _ minute: Int64) throws -> Double? {
      try target(name).outcome(decisionTime: Timestamp(minute: minute), prices: prices)?.value
    }
    #expect(try value("direction-5m", 101) == 1)
    #expect(try value("change-5m", 101) == 500)
    #expect(try value("direction-5m", 103) == nil)
    #expect(try value("direction-5m", 108) == nil)
  }
}
