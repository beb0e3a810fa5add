import Market
import Storage
import TestSupport
import Testing

struct CandleStoreTests {
  private let places = StorePlaces()

  @Test(arguments: StoreKind.allCases, 0..<6 as Range<UInt64>)
  func `random candles come back exactly`(kind: StoreKind, seed: UInt64) throws {
    let store = try places.open(kind)
    let candles = Candle.random(5000, seed: seed)
    #expect(try store.write(candles) == WriteCounts(new: 5000))
    let records = try store.candles(.bitcoin)
    #expect(records.map(\.candle) == candles)
    let stamp = WriteStamp.archive(storedAt: 0)
    #expect(records.allSatisfy { $0 == stamp.record($0.candle, isRevision: false) })
    #expect(records.allSatisfy { $0.availableAt == $0.candle.closeTime.adding(microseconds: 2_000_000) })
  }

  @Test(arguments: StoreKind.allCases)
  func `the same candles twice change nothing`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(4000, seed: 1)
    try store.write(candles)
    let before = try store.candles(.bitcoin)
    #expect(try store.write(candles, .archive(storedAt: 5)) == WriteCounts(unchanged: 4000))
    #expect(try store.candles(.bitcoin) == before)
    #expect(try store.summary(of: .bitcoin)?.revisions == 0)
  }

  @Test(arguments: StoreKind.allCases)
  func `a source that knows less contradicts nothing`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(100, seed: 2)
    try store.write(candles)
    let bare = candles.map { candle in
      Candle(openTime: candle.openTime, open: candle.open, high: candle.high, low: candle.low, close: candle.close)
    }
    #expect(try store.write(bare, .archive(storedAt: 1)) == WriteCounts(unchanged: 100))
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
  }

  @Test(arguments: StoreKind.allCases)
  func `a value where there was none is a revision`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var candle = Candle.random(1, seed: 3)[0]
    candle.trades = nil
    try store.write([candle])
    candle.trades = 0
    #expect(try store.write([candle], .archive(storedAt: 1)) == WriteCounts(revised: 1))
    #expect(try store.candles(.bitcoin).map(\.candle) == [candle])
  }

  @Test(arguments: StoreKind.allCases, 0..<4 as Range<UInt64>)
  func `earlier versions stay readable as of their time`(kind: StoreKind, seed: UInt64) throws {
    let store = try places.open(kind)
    var random = SplitMix64(seed: seed)
    var expected: [Timestamp: Candle] = [:]
    var states: [(asOf: Timestamp, candles: [Candle])] = []
    let minutes = (0..<3000).map { Timestamp.start.adding(minutes: $0) }
    for round in 0..<5 {
      let some = minutes.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
      let batch = some.map { minute in
        Bool.random(using: &random)
          ? expected[minute]?.changed ?? .random(at: minute, using: &random)
          : expected[minute] ?? .random(at: minute, using: &random)
      }
      let stamp = WriteStamp.archive(storedAt: round)
      var counts = WriteCounts()
      for candle in batch {
        switch expected.updateValue(candle, forKey: candle.openTime) {
        case nil: counts.new += 1
        case candle: counts.unchanged += 1
        default: counts.revised += 1
        }
      }
      #expect(try store.write(batch, stamp) == counts)
      states.append((stamp.knownAt, expected.values.sorted { $0.openTime < $1.openTime }))
    }
    for state in states {
      #expect(try store.candles(.bitcoin, asOf: state.asOf).map(\.candle) == state.candles)
    }
    #expect(try store.candles(.bitcoin, asOf: states[0].asOf.adding(microseconds: -1)).isEmpty)
    let summary = try #require(try store.summary(of: .bitcoin))
    #expect(summary.rows == expected.count)
    #expect(
      try store.revisions(.bitcoin, in: .all, asOf: .distantFuture).count { $0.revision > 0 } == summary.revisions)
  }

  @Test(arguments: StoreKind.allCases)
  func `a revision is available when it is stored and never before`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(3, seed: 4)
    try store.write(candles)
    try store.write([candles[1].changed], .archive(storedAt: 9))
    let revisions = try store.revisions(.bitcoin, in: .all, asOf: .distantFuture)
    #expect(revisions.map(\.revision) == [0, 1])
    #expect(revisions.map(\.record.candle) == [candles[1], candles[1].changed])
    #expect(revisions[0].record.isAvailabilityAssumed)
    #expect(revisions[1].record.availableAt == WriteStamp.archive(storedAt: 9).knownAt)
    #expect(!revisions[1].record.isAvailabilityAssumed)
    #expect(try store.revisions(.bitcoin, in: .all, asOf: revisions[0].record.knownAt).isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func `older candles and holes are filled in order`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(60_000, seed: 5)
    try store.write(candles.enumerated().filter { $0.offset > 30_000 && $0.offset % 3 != 0 }.map(\.element))
    try store.write(candles.enumerated().filter { $0.offset <= 30_000 || $0.offset % 3 == 0 }.map(\.element))
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
    #expect(try store.summary(of: .bitcoin)?.rows == 60_000)
  }

  @Test(arguments: StoreKind.allCases)
  func `pieces that are far apart are each compared with what is stored there`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(20_000, seed: 9)
    try store.write(candles)
    let pieces = [0..<5000, 12_000..<12_010, 12_100..<17_000, 19_990..<20_000]
    let all = pieces.flatMap { $0.map { $0.isMultiple(of: 7) ? candles[$0].changed : candles[$0] } }
    let revised = pieces.joined().count { $0.isMultiple(of: 7) }
    let counts = WriteCounts(unchanged: all.count - revised, revised: revised)
    #expect(try store.write(all, .archive(storedAt: 1)) == counts)
    let written = Dictionary(uniqueKeysWithValues: all.map { ($0.openTime, $0) })
    #expect(try store.candles(.bitcoin).map(\.candle) == candles.map { written[$0.openTime] ?? $0 })
    #expect(try store.write(candles, .archive(storedAt: 2)).revised == revised)
  }

  @Test(arguments: StoreKind.allCases)
  func `a range is half-open`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(3000, seed: 6)
    try store.write(candles)
    let range = candles[10].openTime..<candles[2500].openTime
    #expect(try store.candles(.bitcoin, in: range).map(\.candle) == Array(candles[10..<2500]))
    #expect(try store.candles(.bitcoin, in: range.upperBound..<range.upperBound).isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func `series do not mix`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let (bitcoin, ether) = (Candle.random(500, seed: 7), Candle.random(300, seed: 8))
    try store.write(bitcoin)
    try store.write(ether, to: .ether)
    #expect(try store.candles(.bitcoin).map(\.candle) == bitcoin)
    #expect(try store.candles(.ether).map(\.candle) == ether)
    #expect(try store.candles(Series("coinbase:BTC-USD")!).isEmpty)
    #expect(try store.status().map(\.series) == [.bitcoin, .ether])
    #expect(try store.status().map(\.rows) == [500, 300])
    #expect(try store.status().map(\.firstOpenTime) == [bitcoin[0].openTime, ether[0].openTime])
    #expect(try store.status().map(\.lastOpenTime) == [bitcoin[499].openTime, ether[299].openTime])
  }

  @Test(arguments: StoreKind.allCases)
  func `an error in the middle leaves no trace`(kind: StoreKind) throws {
    let store = try places.open(kind)
    struct Stop: Error {}
    let candles = Candle.random(10_000, seed: 9)
    try store.write(Array(candles[..<100]))
    var calls = 0
    #expect(throws: Stop.self) {
      try store.write(to: .ether, stamp: .archive(storedAt: 1)) {
        calls += 1
        if calls == 3 { throw Stop() }
        return calls == 1 ? Array(candles[..<5000]) : Array(candles[5000...])
      }
    }
    #expect(try store.status().map(\.series) == [.bitcoin])
    #expect(try store.candles(.ether).isEmpty)
    #expect(try store.write(candles, to: .ether) == WriteCounts(new: 10_000))
  }

  @Test(arguments: StoreKind.allCases)
  func `gaps are the absent minutes and the quiet ones`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let volumes: [Int: Int128] = [0: 5, 1: 0, 2: 0, 5: 0, 6: 3, 7: 1, 12: 0]
    let price = Decimal8("1.5")!
    try store.write(
      volumes.keys.sorted().map { minute in
        Candle(
          openTime: Timestamp.start.adding(minutes: minute), open: price, high: price, low: price, close: price,
          volume: Decimal8(units: volumes[minute]!))
      })
    func run(_ from: Int, _ to: Int) -> Range<Timestamp> {
      Timestamp.start.adding(minutes: from)..<Timestamp.start.adding(minutes: to)
    }
    let report = try store.gaps(.bitcoin)
    #expect(report.absent == [run(3, 5), run(8, 12)])
    #expect(report.quiet == [run(1, 3), run(5, 6), run(12, 13)])
    #expect(report.absentMinutes == 6)
    #expect(report.quietMinutes == 4)
    #expect(report.rows == 7)
    #expect(try store.gaps(.bitcoin, in: run(2, 7)).absent == [run(3, 5)])
  }

  @Test(arguments: StoreKind.allCases)
  func `what was stored is there after reopening`(kind: StoreKind) throws {
    let candles = Candle.random(3000, seed: 10)
    try places.open(kind).write(candles)
    let reopened = try places.open(kind, .existing)
    #expect(try reopened.candles(.bitcoin).map(\.candle) == candles)
  }
}
