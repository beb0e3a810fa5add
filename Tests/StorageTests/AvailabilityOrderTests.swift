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
