import Dataset
import Evaluation
import Features
import Market
import Models
import Settlement
import TestSupport
import Testing

@testable import Learning

/// Labels of an oracle's windows, which its closes do not tell.
struct OracleLabelTests {
  private static let oracle = Series(Venue("sim-chainlink")!, .bitcoinUSD)
  private static let view = MarketView(price: oracle, volume: Series(.binance, .btcusdt))
  /// In the time of means over a minute.
  private static let candles: [Candle] = RandomWalk()(seed: 4, count: 3400).map { candle in
    var candle = candle
    candle.openTime = candle.openTime.adding(minutes: 1_800_000)
    return candle
  }

  /// Every window begins and ends a cent above or below the one before, whatever the candles say.
  private static let instants: [SettledInstant] = stride(from: 0, to: candles.count, by: 5).map {
    index in
    SettledInstant(
      candles[index].openTime,
      OraclePrice(units: 30_000_000_000_000_000_000_000 + Int128(index % 15) * 10_000))
  }

  private func dataset(_ instants: [SettledInstant]?, without sampled: Set<Timestamp> = []) throws
    -> Dataset
  {
    let folder = try TemporaryFolder()
    let set = FeatureSet.oracle
    let header = DatasetHeader(
      view: Self.view, anchor: Self.candles[0].openTime, from: .distantPast, to: .distantFuture,
      asOf: nil,
      featureNames: set.names, featureSetHash: set.hash.description, isSynthetic: true)
    var builder = DatasetBuilder(Self.view, header: header, expectedCandles: Self.candles.count)
    for candle in Self.candles {
      builder.take(.candle(Self.view.series[1], CandleRecord(archived: candle)))
      builder.take(.candle(Self.oracle, CandleRecord(archived: candle.pricesOnly)))
    }
    builder.exclude(sampled)
    if let instants { builder.settle(at: instants) }
    _ = try builder.write(to: folder.path + "/d")
    return try Dataset(path: folder.path + "/d")
  }

  private func examples(
    _ target: PredictionTarget, _ instants: [SettledInstant]?, without sampled: Set<Timestamp> = []
  ) throws -> [Timestamp: Float] {
    let examples = try Examples(
      try dataset(instants, without: sampled), plan: TrainingPlan(target: target))
    let labels = examples.decisions.map { examples.labels[$0] }
    return Dictionary(uniqueKeysWithValues: zip(examples.spans.decisionTimes, labels))
  }

  @Test func `the rule needs more than candles`() throws {
    #expect(
      SettlementRule.inForce(at: Self.candles[0].openTime, source: Self.oracle.venue)
        == .timeWeightedMean(seconds: 60))
    #expect(throws: SettlementError.self) { try examples(.window(lengthMinutes: 5), nil) }
    #expect(try dataset(nil).instants == nil && dataset(Self.instants).instants == Self.instants)
  }

  @Test
  func
    `windows are labelled by settled instants with all their digits, and where one lacks not at all`()
    throws
  {
    let labels = try examples(
      .window(lengthMinutes: 5), Self.instants.filter { $0 != Self.instants[400] })
    #expect(labels.count > 2000)
    for (time, label) in labels {
      let index = time.minutes(since: Self.candles[0].openTime) / 5
      #expect(index != 399 && index != 400)
      #expect(label == (Self.instants[index + 1].price >= Self.instants[index].price ? 1 : 0))
    }
    #expect(Set(labels.values) == [0, 1])
  }

  @Test func `a sampled minute ends and begins no label`() throws {
    let sampled = Self.candles[1000].openTime
    let target = PredictionTarget.direction(horizonMinutes: 15)
    let (whole, labels) = (try examples(target, nil), try examples(target, nil, without: [sampled]))
    let lost = Set(whole.keys).subtracting(labels.keys)
    #expect(lost == [sampled.adding(minutes: 1), sampled.adding(minutes: -14)])
    #expect(labels.allSatisfy { whole[$0.key] == $0.value })
    let windows = try examples(.window(lengthMinutes: 5), Self.instants, without: [sampled])
    #expect(windows.keys.allSatisfy { !(1...4).contains($0.minutes(since: sampled)) })
  }
}
