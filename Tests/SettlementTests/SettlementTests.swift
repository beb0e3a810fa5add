import Glibc
import Market
import Settlement
import Testing

struct SettlementTests {
  private let source = Series(.binance, .btcusdt)

  private func path(_ prices: [(minute: Int64, open: Double, close: Double)]) -> PricePath {
    PricePath(minutes: prices.map(\.minute), opens: prices.map(\.open), closes: prices.map(\.close))
  }

  private func target(_ name: String, _ source: Series? = nil) -> SettledTarget {
    SettledTarget(PredictionTarget(name)!, source: source ?? self.source)
  }

  @Test func `a direction compares the close at the horizon with the close at the decision`() throws {
    let prices = path((0..<20).map { (100 + $0, 50, $0 == 9 ? 60 : 50) })
    let up = try target("direction-5m").outcome(decisionTime: Timestamp(minute: 105), prices: prices)
    #expect(up == Outcome(value: 1, labelEnd: Timestamp(minute: 110)))
    let down = try target("direction-5m").outcome(decisionTime: Timestamp(minute: 110), prices: prices)
    #expect(down?.value == 0)
    let equal = try target("direction-5m").outcome(decisionTime: Timestamp(minute: 101), prices: prices)
    #expect(equal?.value == 1)
  }

  @Test func `a change is the percent between the two closes`() throws {
    let prices = path([(100, 1, 200), (105, 1, 203)])
    let change = try target("change-5m").outcome(decisionTime: Timestamp(minute: 101), prices: prices)
    #expect(abs(change!.value - 1.5) < 1e-12)
  }

  @Test func `a move is the log return to the last price a minute on, in basis points`() throws {
    let prices = path([(100, 1, 200), (101, 1, 203)])
    let move = try target("move-60s").outcome(decisionTime: Timestamp(minute: 101), prices: prices)
    #expect(abs(move!.value - 10_000 * log(203.0 / 200)) < 1e-9)
    #expect(move!.labelEnd == Timestamp(minute: 102))
    let between = Timestamp(minute: 101).adding(microseconds: 1_500_000)
    #expect(try target("move-60s").outcome(decisionTime: between, prices: prices) == nil)
    #expect(target("move-60s").labelEnd(decisionTime: between) == between.adding(minutes: 1))
  }

  @Test func `a window compares its last close with its first open`() throws {
    let prices = path([(30, 100, 1), (31, 1, 1), (32, 1, 1), (33, 1, 1), (34, 1, 100), (35, 200, 1)])
    for minute in 31...34 as ClosedRange<Int64> {
      let outcome = try target("window-5m").outcome(decisionTime: Timestamp(minute: minute), prices: prices)
      #expect(outcome == Outcome(value: 1, labelEnd: Timestamp(minute: 35)))
    }
    #expect(try target("window-5m").outcome(decisionTime: Timestamp(minute: 35), prices: prices) == nil)
  }

  @Test func `what is said of a window between its closes comes out as the window does`() throws {
    let prices = path([
      (30, 100, 1), (31, 1, 1), (32, 1, 1), (33, 1, 1), (34, 1, 100), (35, 200, 1), (36, 1, 1), (37, 1, 1), (38, 1, 1),
      (39, 1, 199), (40, 1, 1),
    ])
    let open = target("window-open-5m")
    for tenths in 0..<3000 as Range<Int64> {
      let time = Timestamp(minute: 30).adding(microseconds: tenths * 100_000)
      let outcome = try open.outcome(decisionTime: time, prices: prices)
      #expect(outcome == Outcome(value: 1, labelEnd: Timestamp(minute: 35)))
      #expect(open.labelEnd(decisionTime: time) == Timestamp(minute: 35))
    }
    // The end of a window is the start of the next one.
    let next = try open.outcome(decisionTime: Timestamp(minute: 35), prices: prices)
    #expect(next == Outcome(value: 0, labelEnd: Timestamp(minute: 40)))
    #expect(try open.outcome(decisionTime: Timestamp(minute: 41), prices: prices) == nil)
  }

  @Test func `a label whose minute is absent is not known`() throws {
    let holed = path([(30, 1, 1), (31, 1, 1), (33, 1, 1), (34, 1, 1), (37, 1, 1)])
    #expect(try target("window-5m").outcome(decisionTime: Timestamp(minute: 31), prices: holed) == nil)
    #expect(try target("direction-5m").outcome(decisionTime: Timestamp(minute: 33), prices: holed) == nil)
    #expect(try target("direction-5m").outcome(decisionTime: Timestamp(minute: 32), prices: holed) == nil)
    let labels = try target("direction-5m").labels(at: [33, 32].map { Timestamp(minute: $0) }, prices: holed)
    #expect(labels.values.allSatisfy { $0.isNaN })
    #expect(labels.labelEnds.map(\.minute) == [38, 37])
  }

  @Test(arguments: 0..<20)
  func `the columns agree with a reading of the candles minute by minute`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var byMinute: [Int64: (open: Double, close: Double)] = [:]
    for minute in 600..<900 as Range<Int64> where generator.next() % 12 != 0 {
      byMinute[minute] = (Double(generator.next() % 5 + 1), Double(generator.next() % 5 + 1))
    }
    let prices = path(byMinute.map { ($0.key, $0.value.open, $0.value.close) })
    let times = (595..<905).map { Timestamp(minute: $0) }
    let directions = try target("direction-15m").labels(at: times, prices: prices)
    let windows = try target("window-15m").labels(at: times, prices: prices)
    for (row, time) in times.enumerated() {
      let minute = time.minute
      let pair = byMinute[minute - 1].flatMap { now in byMinute[minute + 14].map { (now.close, $0.close) } }
      #expect(directions.values[row].isNaN == (pair == nil))
      if let pair { #expect(directions.values[row] == (pair.1 >= pair.0 ? 1 : 0)) }
      let start = minute / 15 * 15
      let whole = (start..<start + 15).compactMap { byMinute[$0] }
      let isKnown = whole.count == 15 && minute != start
      #expect(windows.values[row].isNaN == !isKnown)
      if isKnown { #expect(windows.values[row] == (whole[14].close >= whole[0].open ? 1 : 0)) }
    }
  }

  @Test func `candles cannot settle an epoch of time-weighted means`() throws {
    let oracle = Series("chainlink:BTC/USD")!
    let prices = path([])
    let time = Timestamp("2026-09-01T00:05")!
    #expect(throws: SettlementError.self) {
      try target("window-15m", oracle).outcome(decisionTime: time, prices: prices)
    }
    #expect(
      try target("window-15m", oracle).outcome(decisionTime: Timestamp("2026-01-01T00:05")!, prices: prices) == nil)
    #expect(try target("window-15m").outcome(decisionTime: time, prices: prices) == nil)
  }

  @Test func `a window that crosses into a new rule needs ticks too`() {
    let oracle = Series("chainlink:BTC/USD")!
    let change = SettlementRule.chainlinkEpochs[1].start
    let time = change.adding(minutes: -1)
    #expect(
      throws: SettlementError.needsTicks(
        rule: .timeWeightedMean(seconds: 30), target: target("window-15m", oracle), time: change)
    ) {
      try target("window-15m", oracle).outcome(decisionTime: time, prices: path([]))
    }
  }

  @Test func `a settled target reads what it prints`() {
    #expect(SettledTarget("direction-15m@binance:BTCUSDT") == target("direction-15m"))
    #expect(target("window-5m").description == "window-5m@binance:BTCUSDT")
    #expect(SettledTarget("window-5m") == nil)
  }

  @Test func `a window tells its minutes left and whether a decision can be made`() {
    let prices = path([(30, 7, 1), (31, 1, 1), (33, 1, 1)])
    let window = ClockWindow(decisionTime: Timestamp(minute: 32), lengthMinutes: 5)!
    #expect(window.minutesLeft(at: Timestamp(minute: 32)) == 3)
    #expect(window.strike(prices) == 7)
    #expect(window.isDecidable(at: Timestamp(minute: 32), prices))
    #expect(!window.isDecidable(at: Timestamp(minute: 34), prices))
  }
}
