import Market
import Storage
import TestSupport
import Testing

struct AvailabilityOrderTests {
  private let folder: TemporaryFolder
  private let store: DuckDBStore

  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.file("store.duckdb"))
  }

  private func events(before end: Timestamp = .distantFuture, asOf: Timestamp = .distantFuture) throws -> [CandleRecord]
  {
    var events: [CandleRecord] = []
    try store.readEvents(.bitcoin, before: end, asOf: asOf) { events.append($0) }
    return events
  }

  /// Writes as a live reader would, with late candles and revisions among them; returns every version.
  private func live(_ candles: [Candle], _ random: inout SplitMix64) throws -> [CandleRecord] {
    var versions: [CandleRecord] = []
    var newest: [Timestamp: Candle] = [:]
    var withheld: [Candle] = []
    func store(_ batch: [Candle], _ stamp: WriteStamp) throws {
      try self.store.write(batch, stamp)
      for candle in batch {
        versions.append(stamp.record(candle, isRevision: newest.updateValue(candle, forKey: candle.openTime) != nil))
      }
    }
    for start in stride(from: 0, to: candles.count, by: 100) {
      let part = candles[start..<min(start + 100, candles.count)]
      let late = part.filter { _ in Int.random(in: 0..<20, using: &random) == 0 }
      let now = candles[part.endIndex - 1].closeTime.adding(microseconds: 3_000_000)
      try store(
        part.filter { !late.contains($0) },
        WriteStamp(knownAt: now, provenance: .live, availability: .assumed(delayMicroseconds: 2_000_000)))
      let revised = newest.values.sorted { $0.openTime < $1.openTime }
        .filter { _ in Int.random(in: 0..<80, using: &random) == 0 }
      let patched = withheld.filter { _ in Bool.random(using: &random) }
      withheld = withheld.filter { !patched.contains($0) } + late
      try store(
        (patched + revised.map(\.changed)).sorted { $0.openTime < $1.openTime },
        WriteStamp(knownAt: now.adding(microseconds: 1), provenance: .patched, availability: .onArrival))
    }
    return versions
  }

  private func sorted(_ versions: [CandleRecord]) -> [CandleRecord] {
    versions.sorted {
      ($0.availableAt, $0.candle.openTime, $0.knownAt) < ($1.availableAt, $1.candle.openTime, $1.knownAt)
    }
  }

  @Test(arguments: 0..<5 as Range<UInt64>)
  func `every version comes when a live reader had it`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let candles = Candle.random(1500, seed: seed)
    let versions = try live(candles, &random)
    #expect(Set(versions.map(\.candle.openTime)).count < versions.count)
    #expect(try events() == sorted(versions))

    for _ in 0..<4 {
      let end = candles.randomElement(using: &random)!.openTime
      let asOf = candles.randomElement(using: &random)!.closeTime.adding(microseconds: 3_000_000)
      let seen = versions.filter { $0.candle.openTime < end && $0.knownAt <= asOf && $0.availableAt <= asOf }
      #expect(try events(before: end, asOf: asOf) == sorted(seen))
    }
  }

  @Test(arguments: 0..<3 as Range<UInt64>)
  func `a view's two series come in one order of availability`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let oracle = try #require(Series("chainlink:BTC/USD"))
    let view = MarketView(price: oracle, volume: .bitcoin)
    let candles = Candle.random(14_000, seed: seed)
    var expected: [MarketEvent] = []
    for (series, part) in [(oracle, candles[3000...]), (.bitcoin, candles[..<12_000])] {
      for (delay, isLate) in [(Int64.random(in: 0...9_000_000, using: &random), false), (0, true)] {
        let chosen = part.filter { ($0.openTime.minute % 13 == 0) == isLate }
        // What is late is stored, and available, after most of the rest.
        let knownAt = chosen[chosen.count - 1].closeTime.adding(minutes: 40)
        let stamp = WriteStamp(
          knownAt: knownAt, provenance: .live,
          availability: isLate ? .onArrival : .assumed(delayMicroseconds: delay))
        try store.write(chosen, to: series, stamp)
        expected += chosen.map { .candle(series, stamp.record($0, isRevision: false)) }
      }
      let revised = part.filter { $0.openTime.minute % 997 == 1 }.map(\.changed)
      let stamp = WriteStamp(
        knownAt: candles[9000].closeTime.adding(minutes: 9000), provenance: .patched, availability: .onArrival)
      try store.write(revised, to: series, stamp)
      expected += revised.map { .candle(series, stamp.record($0, isRevision: true)) }
    }
    expected.sort { $0.precedes($1) }
    func read(_ range: Range<Timestamp>, asOf: Timestamp = .distantFuture) throws -> [MarketEvent] {
      var events: [MarketEvent] = []
      try store.readEvents(view, in: range, asOf: asOf) { events.append($0) }
      return events
    }
    #expect(try read(.all) == expected)
    func record(_ event: MarketEvent) -> CandleRecord {
      switch event {
      case .candle(_, let record): record
      }
    }
    let range = candles[2000].openTime..<candles[8000].openTime
    let asOf = candles[8200].closeTime
    #expect(
      try read(range, asOf: asOf)
        == expected.map { ($0, record($0)) }.filter {
          range.contains($0.1.candle.openTime) && $0.1.knownAt <= asOf && $0.1.availableAt <= asOf
        }.map(\.0))
    var alone: [MarketEvent] = []
    try store.readEvents(MarketView(price: oracle), in: range) { alone.append($0) }
    #expect(
      alone
        == expected.filter {
          if case .candle(oracle, let it) = $0 { range.contains(it.candle.openTime) } else { false }
        })
  }

  @Test func `an archive imported later is read as of its import and not before`() throws {
    let candles = Candle.random(50, seed: 1)
    try store.write(candles, .archive(storedAt: 5))
    let stored = WriteStamp.archive(storedAt: 5).knownAt
    #expect(try events(asOf: stored).map(\.candle) == candles)
    #expect(try events(asOf: stored.adding(microseconds: -1)).isEmpty)
  }

  @Test func `versions of one minute that come together keep the order in which they were stored`() throws {
    let candle = Candle.random(1, seed: 2)[0]
    let stored = candle.closeTime.adding(microseconds: 1_000_000)
    let assumed = WriteStamp(
      knownAt: stored, provenance: .live, availability: .assumed(delayMicroseconds: 2_000_000))
    try store.write([candle], assumed)
    let arrival = candle.closeTime.adding(microseconds: 2_000_000)
    try store.write(
      [candle.changed], WriteStamp(knownAt: arrival, provenance: .patched, availability: .onArrival))
    #expect(try events().map(\.availableAt) == [arrival, arrival])
    #expect(try events().map(\.candle) == [candle, candle.changed])
  }

  @Test func `an error of the reader ends the reading`() throws {
    struct Enough: Error {}
    try store.write(Candle.random(10, seed: 3))
    var count = 0
    #expect(throws: Enough.self) {
      try store.readEvents(.bitcoin) { _ in
        count += 1
        if count == 4 { throw Enough() }
      }
    }
    #expect(count == 4)
  }
}
