import Features
import Glibc
import Market
import Models
import Pipeline
import TestSupport
import Testing

/// Windows on an oracle's prices, by the rule in force.
@Suite struct ObservedWindowTests {
  private static let view = MarketView("chainlink:BTC/USD+binance:BTCUSDT")!
  private static let meanOfThirty = SettlementRule.chainlinkEpochs[1].start
  private static let meanOfSixty = SettlementRule.chainlinkEpochs[2].start
  private static let volatility = 0.0004
  private static let cadence = TickCadence()

  private static func stage(_ ticks: some Sequence<OracleTick>) -> WindowStage {
    var stage = WindowStage(view, cadence, mode: .live)
    for tick in ticks { stage.take(tick) }
    return stage
  }

  /// Trades of the volume series are heard all the time.
  private static func said(_ stage: WindowStage, _ time: Timestamp) -> Prediction {
    let values = [60_500.0] + [Double?](repeating: nil, count: TickInputs.names.count - 1)
    let point = TickPoint(
      inputs: TickInputs(time: time, values: values, reference: nil), ageMilliseconds: 10, source: .direct)
    let minute = ClosedMinute(closeTime: Timestamp(minute: time.minute), volatility: volatility)
    return stage.decide(on: point, minute)[0]
  }

  private static func tick(
    _ time: Timestamp, _ price: Double, _ quantity: OracleTick.Quantity = .price, _ source: OracleSource = .relay
  ) -> OracleTick {
    OracleTick(
      feed: .bitcoinUSD, source: source, quantity: quantity, time: time,
      price: OraclePrice(Decimal8(units: Int128((price * 1e8).rounded()))!))
  }

  /// A walk of a tick about each second.
  private static func walk(_ start: Timestamp, seconds: Int, _ random: inout SplitMix64) -> [OracleTick] {
    var price = 60_000.0
    return (0..<seconds).map { second in
      price += Double.random(in: -8...8, using: &random)
      let late = Int64.random(in: 0..<900_000, using: &random)
      return tick(start.adding(microseconds: Int64(second) * 1_000_000 + late), price)
    }
  }

  // MARK: Means

  /// The prices in force, looked up one by one: slow, and by other means than what it is compared with.
  private struct Grid {
    let ticks: [OracleTick]

    func price(_ time: Timestamp) -> Double { ticks.last { $0.time <= time }!.price.doubleValue }

    func mean(_ range: Range<Timestamp>) -> Double {
      let times = [range.lowerBound] + ticks.map(\.time).filter { range.contains($0) } + [range.upperBound]
      let parts = zip(times, times.dropFirst()).map { price($0) * Double($1.microseconds - $0.microseconds) }
      return parts.reduce(0, +) / Double(range.upperBound.microseconds - range.lowerBound.microseconds)
    }
  }

  /// Mean + min(τ, W)/W · (spot − what leaves the mean until the end), variance σ²τ³/(3W²) or σ²(τ − W + W/3).
  private static func probability(_ grid: Grid, start: Timestamp, at time: Timestamp, meanSeconds: Int64) -> Double {
    let length = meanSeconds * 1_000_000
    let end = start.adding(minutes: 5)
    let left = end.microseconds - time.microseconds
    let mean = grid.mean(time.adding(microseconds: -length)..<time)
    let leaves = min(left, length)
    let begin = time.adding(microseconds: -length)
    let leaving = grid.mean(begin..<begin.adding(microseconds: leaves))
    let expected = mean + Double(leaves) / Double(length) * (grid.price(time) - leaving)
    let (tau, w) = (Double(left) / 6e7, Double(length) / 6e7)
    let variance = tau <= w ? tau * tau * tau / (3 * w * w) : tau - w + w / 3
    let strike = grid.mean(start.adding(microseconds: -length)..<start)
    let z = log(expected / strike) / (volatility * variance.squareRoot())
    return min(max(0.5 * (1 + erf(z / 2.0.squareRoot())), Probability.lowest), 1 - Probability.lowest)
  }

  @Test(arguments: Soak.seeds(8))
  func `under a mean the part that has passed stays and the rest is expected at the newest price`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (epoch, seconds): (Timestamp, Int64) = seed % 2 == 0 ? (Self.meanOfSixty, 60) : (Self.meanOfThirty, 30)
    let start = epoch.adding(minutes: 5 * Int.random(in: 1...1000, using: &random))
    let ticks = Self.walk(start.adding(minutes: -2), seconds: 420, &random)
    var stage = Self.stage([])
    var heard: [OracleTick] = []
    var rest = ticks[...]
    // All moments of the last minute and a half, and a few before.
    for moment in Array(stride(from: 1, to: 140, by: 20)) + Array(140..<200) {
      let time = start.adding(microseconds: Int64(moment) * 1_500_000)
      while let tick = rest.first, tick.time < time {
        stage.take(tick)
        heard.append(tick)
        rest.removeFirst()
      }
      let prediction = Self.said(stage, time)
      let expected = Self.probability(Grid(ticks: heard), start: start, at: time, meanSeconds: seconds)
      let probability = try #require(prediction.probabilityUp, "seed \(seed), \(time): \(prediction.reason)")
      #expect(abs(probability - expected) < 1e-9, "seed \(seed), \(time)")
    }
  }

  @Test func `a mean that was published for the start is what the end is compared with`() {
    let start = Self.meanOfSixty.adding(minutes: 100)
    let ticks = (0..<200).map { Self.tick(start.adding(microseconds: Int64($0 - 100) * 1_000_000), 60_000) }
    let time = start.adding(microseconds: 90_000_000)
    #expect(Self.said(Self.stage(ticks), time).probabilityUp == 0.5)
    let published = Self.tick(start, 60_010, .timeWeightedMean(seconds: 60))
    #expect(Self.said(Self.stage(ticks + [published]), time).probabilityUp.map { $0 < 0.5 } == true)
    let other = Self.tick(start, 60_010, .timeWeightedMean(seconds: 30))
    let made = Self.tick(start, 60_010, .timeWeightedMean(seconds: 60), .derived)
    #expect(Self.said(Self.stage(ticks + [other, made]), time).probabilityUp == 0.5)
  }

  @Test func `before means settled, the last price by the start was compared with`() {
    let start = Self.meanOfThirty.adding(minutes: -60)
    let ticks = (0..<200).map {
      Self.tick(start.adding(microseconds: Int64($0 - 100) * 1_000_000), $0 == 100 ? 60_000 : 60_020)
    }
    let up = Self.said(Self.stage(ticks), start.adding(microseconds: 99_000_000)).probabilityUp
    let z = log(60_020.0 / 60_000) / (Self.volatility * (201.0 / 60).squareRoot())
    #expect(up.map { abs($0 - 0.5 * (1 + erf(z / 2.0.squareRoot()))) < 1e-12 } == true)
  }

  // MARK: Nothing to say

  @Test func `an oracle that is silent, old or has a hole is missing, whatever an exchange says`() {
    let start = Self.meanOfSixty.adding(minutes: 100)
    func ticks(_ seconds: Range<Int>) -> [OracleTick] {
      seconds.map { Self.tick(start.adding(microseconds: Int64($0) * 1_000_000), 60_000) }
    }
    func said(_ ticks: [OracleTick], _ seconds: Int64) -> Prediction {
      Self.said(Self.stage(ticks), start.adding(microseconds: seconds * 1_000_000))
    }
    func isMissing(_ prediction: Prediction, _ reason: String) -> Bool {
      prediction.state == "abstain:oracle_missing" && prediction.reason.contains(reason)
        && prediction.probabilityUp == nil && prediction.confidence == nil
    }
    #expect(isMissing(said([], 90), "no price of chainlink:BTC/USD has come"))
    #expect(isMissing(said(ticks(-100..<80), 90), "11000 ms old"))
    #expect(said(ticks(-100..<86), 90).probabilityUp == 0.5, "five seconds are not too old")
    #expect(said(ticks(-100..<86), 90).forecast?.inputAgeMilliseconds == 5000)
    #expect(isMissing(said(ticks(-100..<250) + ticks(260..<280), 280), "have a hole"))
    #expect(said(ticks(-100..<100) + ticks(110..<280), 280).probabilityUp == 0.5, "the hole does not matter any more")
    #expect(said(ticks(10..<100), 90).state == "abstain:no_strike")
    let other = ticks(-100..<90).map { tick in
      var tick = tick
      tick.feed = .btcusdt
      return tick
    }
    #expect(isMissing(said(other, 90), "no price"))
    let sparse = ticks(-100..<90).map { tick in
      var tick = tick
      tick.source = .onChain
      return tick
    }
    #expect(isMissing(said(sparse, 90), "no price"))
  }

  @Test func `a window over which the rule changes is left alone`() {
    let start = Self.meanOfThirty.adding(minutes: -5)
    let ticks = (0..<200).map { Self.tick(start.adding(microseconds: Int64($0 - 100) * 1_000_000), 60_000) }
    #expect(Self.said(Self.stage(ticks), start.adding(microseconds: 90_000_000)).state == "abstain:rule_change")
  }

  @Test func `hours of prices are not kept`() {
    let start = Self.meanOfSixty
    let ticks = (-3600..<7290).map { Self.tick(start.adding(microseconds: Int64($0) * 1_000_000), 60_000) }
    #expect(Self.said(Self.stage(ticks), start.adding(microseconds: 7_290_000_000)).probabilityUp == 0.5)
  }
}
