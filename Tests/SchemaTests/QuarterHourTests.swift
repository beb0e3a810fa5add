import Market
import TestSupport
import Testing

@testable import Storage

/// `ohlcv_15m` against quarter hours put together by hand.
struct QuarterHourTests {
  private func commit(_ candles: [Candle], to tested: TestedStore, at time: Timestamp) throws {
    var batch = LiveBatch(knownAt: time)
    batch.candles = candles.map {
      LiveCandle(
        Filling.series,
        CandleRecord(
          candle: $0, availableAt: $0.closeTime, knownAt: $0.closeTime, provenance: .live, isAvailabilityAssumed: false)
      )
    }
    try tested.store.commit(batch)
  }

  private func quarters(_ tested: TestedStore) throws -> [[String]] {
    try tested.rows(
      """
      SELECT (extract(epoch FROM time) / 60)::BIGINT AS minute, open, high, low, close, volume FROM ohlcv_15m ORDER BY time
      """)
  }

  /// Of whole quarter hours alone.
  private static func expected(_ candles: [Candle]) -> [[String]] {
    let groups = Dictionary(grouping: candles) { $0.openTime.minute.flooredQuotient(15) * 15 }
    return groups.sorted { $0.key < $1.key }.filter { $0.value.count == 15 }.map { start, minutes in
      let volumes = minutes.compactMap { $0.volume?.units }
      let volume = volumes.count == 15 ? Decimal8(units: volumes.reduce(0, +))?.padded : ""
      return [
        "\(start)", minutes[0].open.padded, minutes.map(\.high).max()!.padded, minutes.map(\.low).min()!.padded,
        minutes[14].close.padded, volume ?? "",
      ]
    }
  }

  @Test(arguments: TestedStore.kinds, Soak.seedsOfStores(3))
  func `quarter hours with every minute are there and no others, whatever came late or was revised`(
    kind: TestedStore.Kind, seed: UInt64
  ) throws {
    let tested = try TestedStore(kind)
    var random = SplitMix64(seed: seed)
    var candles = RandomWalk()(seed: seed, count: 600).filter { _ in Int.random(in: 0..<60, using: &random) > 0 }
    for index in candles.indices where Int.random(in: 0..<200, using: &random) == 0 { candles[index].volume = nil }
    let late = Set(candles.indices.filter { _ in Int.random(in: 0..<25, using: &random) == 0 })
    let punctual = candles.indices.filter { !late.contains($0) }.map { candles[$0] }
    let time = candles[candles.count - 1].closeTime
    try commit(punctual, to: tested, at: time)
    #expect(try quarters(tested) == Self.expected(punctual))
    for index in candles.indices where Int.random(in: 0..<40, using: &random) == 0 {
      candles[index] = candles[index].raised(cents: 9000)
    }
    try commit(candles.shuffled(using: &random), to: tested, at: time.adding(minutes: 9))
    #expect(try quarters(tested) == Self.expected(candles))
  }

  @Test(arguments: TestedStore.kinds)
  func `a quarter hour is not shown before its last minute has closed`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let candles = Array(RandomWalk()(seed: 3, count: 30))
    try commit(Array(candles[..<29]), to: tested, at: candles[28].closeTime)
    let whole = Self.expected(Array(candles[..<29]))
    #expect(try quarters(tested) == whole)
    try commit([candles[29]], to: tested, at: candles[29].closeTime)
    #expect(try quarters(tested).count == whole.count + (candles[29].closeTime.minute % 15 == 0 ? 1 : 0))
  }
}
