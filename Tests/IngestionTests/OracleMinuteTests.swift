import Ingestion
import Market
import TestSupport
import Testing

@Suite struct OracleMinuteTests {
  private typealias Made = OracleMade

  /// Of what the stream is seen without a hole.
  private func updates(_ ticks: [OracleTick]) -> [OracleMinuteBuilder.Update] {
    var builder = OracleMinuteBuilder(feed: .bitcoinUSD)
    builder.saw(.distantPast ..< .distantFuture)
    return ticks.flatMap { tick in
      builder.receive(tick)
      return builder.take()
    }
  }

  private func stream(_ seconds: Range<Int>, _ source: OracleSource = .relay) -> [OracleTick] {
    seconds.map { Made.tick(Double($0), "65000.\($0 % 7)", source) }
  }

  @Test func `a minute is given once a later observation is there, and not before`() throws {
    var builder = OracleMinuteBuilder(feed: .bitcoinUSD)
    builder.saw(Made.time(seconds: 0)..<Made.time(seconds: 60))
    for tick in stream(0..<60) { builder.receive(tick) }
    #expect(builder.take().isEmpty)
    builder.receive(Made.tick(60, "1"))
    let update = try #require(builder.take().first)
    #expect(!update.isRevision)
    #expect(
      update.minute
        == OracleMinute(
          feed: .bitcoinUSD, openTime: Timestamp(minute: Made.firstMinute), open: OraclePrice("65000.0")!,
          high: OraclePrice("65000.6")!, low: OraclePrice("65000")!, close: OraclePrice("65000.3")!, ticks: 60,
          isSampled: false))
    #expect(builder.take().isEmpty)
  }

  @Test func `under thirty stream observations a minute is sampled`() {
    #expect(updates(stream(0..<29) + [Made.tick(61, "1")])[0].minute.isSampled)
    #expect(!updates(stream(0..<30) + [Made.tick(61, "1")])[0].minute.isSampled)
  }

  @Test func `a minute that was not seen from its first to its last instant is sampled until it is`() throws {
    var builder = OracleMinuteBuilder(feed: .bitcoinUSD)
    builder.saw(Made.time(seconds: 5)..<Made.time(seconds: 61))
    for tick in stream(5..<61) { builder.receive(tick) }
    let first = try #require(builder.take().first)
    #expect(first.isPartial && first.minute.isSampled && first.minute.ticks == 55)
    #expect(builder.take().isEmpty)
    for tick in stream(0..<5) { builder.receive(tick) }
    #expect(builder.take().map(\.minute.isSampled) == [true])
    builder.saw(Made.time(seconds: 0)..<Made.time(seconds: 5))
    let last = try #require(builder.take().first)
    #expect(last.isRevision && !last.isPartial && !last.minute.isSampled && last.minute.ticks == 60)
  }

  @Test func `a minute from before the start is given only if it was seen whole`() {
    var builder = OracleMinuteBuilder(feed: .bitcoinUSD, firstMinute: Made.firstMinute + 1)
    for tick in stream(30..<125) { builder.receive(tick) }
    #expect(builder.take().map(\.minute.openTime.minute) == [Made.firstMinute + 1])
    for tick in stream(0..<30) { builder.receive(tick) }
    builder.saw(Made.time(seconds: 0)..<Made.time(seconds: 60))
    #expect(builder.take().map(\.minute.openTime.minute) == [Made.firstMinute])
  }

  @Test func `two sources of the same instants are counted once, and the nearer one is believed`() throws {
    let both = stream(0..<20) + (0..<20).map { Made.tick(Double($0), "64000", .dataStreams) } + [Made.tick(61, "1")]
    let minute = updates(both)[0].minute
    #expect(minute.ticks == 20)
    #expect(minute.isSampled)
    #expect(minute.low == minute.high)
    #expect(minute.close == OraclePrice("64000"))
  }

  @Test func `an on-chain answer stands in for a minute without a stream, and is never mixed with one`() {
    let alone = updates((0..<40).map { Made.tick(Double($0), "60000", .onChain) } + [Made.tick(61, "1")])
    #expect(alone[0].minute.isSampled)
    #expect(alone[0].minute.ticks == 40)
    #expect(alone[0].minute.open == OraclePrice("60000"))
    let mixed = updates([Made.tick(5, "1", .onChain)] + stream(0..<60) + [Made.tick(61, "1")])
    #expect(mixed[0].minute.low == OraclePrice("65000"))
    #expect(mixed[0].minute.ticks == 60)
  }

  @Test func `an on-chain answer of a later minute does not finish a minute of a stream`() {
    #expect(updates(stream(0..<40) + [Made.tick(70, "1", .onChain)]).isEmpty)
  }

  @Test func `a late observation makes a revision only if it changes the minute`() {
    let ticks = stream(0..<59) + [Made.tick(61, "1")]
    let late = updates(ticks + [Made.tick(30.5, "70000.000000000000000001")])
    #expect(late.map(\.isRevision) == [false, true])
    #expect(late[1].minute.high == OraclePrice("70000.000000000000000001"))
    #expect(late[1].minute.ticks == 60)
    #expect(updates(ticks + [ticks[10]]).count == 1)
  }

  @Test func `what comes after a minute is forgotten is counted`() {
    var builder = OracleMinuteBuilder(feed: .bitcoinUSD, keptMinutes: 2)
    builder.receive(Made.tick(600, "1"))
    builder.receive(Made.tick(0, "1"))
    #expect(builder.tooLate == 1)
    #expect(builder.take().isEmpty)
  }

  @Test func `means and other feeds make no minutes`() {
    var other = Made.tick(1, "1")
    other.feed = Symbol("ETH/USD")!
    let mean = Made.tick(2, "1", quantity: .timeWeightedMean(seconds: 60))
    #expect(updates([other, mean, Made.tick(61, "1")]).isEmpty)
  }

  @Test func `a minute's candle has eight places and no volume`() throws {
    let minute = OracleMinute(
      feed: .bitcoinUSD, openTime: Timestamp(minute: 5), open: OraclePrice("64790.082468106150000000")!,
      high: OraclePrice("64790.082468115")!, low: OraclePrice("64790.082468104999999999")!,
      close: OraclePrice("64790.082468106")!, ticks: 60, isSampled: false)
    #expect(
      minute.candle
        == Candle(
          openTime: Timestamp(minute: 5), open: Decimal8("64790.08246811")!, high: Decimal8("64790.08246812")!,
          low: Decimal8("64790.0824681")!, close: Decimal8("64790.08246811")!))
    var tiny = minute
    tiny.low = OraclePrice(units: 1)
    #expect(tiny.candle == nil)
    var huge = minute
    huge.high = OraclePrice(units: .max)
    #expect(huge.candle == nil)
  }

  /// What the minutes must be in the end, made the slow way.
  private func minutes(_ ticks: [OracleTick]) -> [Int64: OracleMinute] {
    var result: [Int64: OracleMinute] = [:]
    let newest = ticks.filter(\.source.isStream).map(\.time.minute).max() ?? 0
    for (minute, all) in Dictionary(grouping: ticks, by: \.time.minute) where minute < newest {
      let stream = all.filter(\.source.isStream)
      let best = Dictionary(grouping: stream.isEmpty ? all : stream, by: \.time)
        .mapValues { $0.min { $0.source.rank < $1.source.rank }! }
      let ordered = best.values.sorted { $0.time < $1.time }
      result[minute] = OracleMinute(
        feed: .bitcoinUSD, openTime: Timestamp(minute: minute), open: ordered.first!.price,
        high: ordered.map(\.price).max()!, low: ordered.map(\.price).min()!, close: ordered.last!.price,
        ticks: ordered.count, isSampled: stream.isEmpty || ordered.count < 30)
    }
    return result
  }

  @Test(arguments: Soak.seeds(20))
  func `whatever the order, sources and repetitions, the last version of each minute is the truth`(seed: UInt64) {
    var ticks = OracleMade.walk(seed: seed, seconds: 900)
    ticks += OracleMade.walk(seed: seed, seconds: 900, source: .dataStreams).map { tick in
      var tick = tick
      tick.price = OraclePrice(units: tick.price.units + 1)
      return tick
    }
    ticks += stride(from: 30, to: 900, by: 250).map { OracleMade.tick(Double($0), "60000", .onChain) }
    ticks.sort { $0.time < $1.time }
    let arrived = (ticks + ticks.filter { $0.time.microseconds % 3 == 0 }).nearlyOrdered(by: 40, seed: seed)
    var last: [Int64: OracleMinute] = [:]
    for update in updates(arrived) {
      let number = update.minute.openTime.minute
      #expect(update.isRevision == (last[number] != nil))
      #expect(update.minute != last[number])
      last[number] = update.minute
    }
    #expect(last == minutes(arrived))
  }
}

@Suite struct OracleSieveTests {
  private let arrival = OracleMade.time(seconds: 100)

  @Test func `an observation passes once for each source`() {
    var sieve = OracleSieve(feed: .bitcoinUSD)
    let tick = OracleMade.tick(1, "65000")
    #expect(sieve.judge(tick, at: arrival) == .new)
    #expect(sieve.judge(tick, at: arrival) == .duplicate)
    #expect(sieve.judge(OracleMade.tick(1, "65001"), at: arrival) == .contradiction)
    #expect(sieve.judge(tick, at: arrival) == .duplicate)
    #expect(sieve.judge(OracleMade.tick(1, "65000", .dataStreams), at: arrival) == .new)
    let mean = OracleMade.tick(1, "65000", quantity: .timeWeightedMean(seconds: 60))
    #expect(sieve.judge(mean, at: arrival) == .new)
    var other = tick
    other.feed = Symbol("ETH/USD")!
    #expect(sieve.judge(other, at: arrival) == .otherFeed)
  }

  @Test func `an observation of the future is refused`() {
    var sieve = OracleSieve(feed: .bitcoinUSD)
    #expect(sieve.judge(OracleMade.tick(160, "1"), at: arrival) == .new)
    #expect(sieve.judge(OracleMade.tick(160.001, "1"), at: arrival) == .fromFuture)
  }

  @Test func `memory is bounded, and what is older than all of it is too old`() {
    var sieve = OracleSieve(feed: .bitcoinUSD, remembered: 10)
    for second in 0..<30 { #expect(sieve.judge(OracleMade.tick(Double(second), "1"), at: arrival) == .new) }
    #expect(sieve.judge(OracleMade.tick(29, "1"), at: arrival) == .duplicate)
    #expect(sieve.judge(OracleMade.tick(0, "1"), at: arrival) == .tooOld)
  }
}
