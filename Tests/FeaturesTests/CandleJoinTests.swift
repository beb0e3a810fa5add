import Features
import Market
import TestSupport
import Testing

@Suite struct CandleJoinTests {
  private static let price = Series(.chainlink, Symbol("BTC/USD")!)
  private static let volume = Series(.binance, .btcusdt)
  private static let view = MarketView(price: price, volume: volume)
  private static let walk = RandomWalk()(seed: 4, count: 600)
  private static let grace = CandleJoin.graceMicroseconds

  private struct Decided: Equatable {
    let candle: FeatureInput
    let at: Timestamp
    var isLate = false

    /// Not known equals not known.
    static func == (a: Decided, b: Decided) -> Bool { a.text == b.text && a.at == b.at && a.isLate == b.isLate }

    var text: String { "\(candle)" }
  }

  private func record(_ minute: Int, after microseconds: Int64, _ candle: Candle? = nil) -> CandleRecord {
    let candle = candle ?? Self.walk[minute]
    return CandleRecord(candle, lateAt: Self.walk[minute].closeTime.adding(microseconds: microseconds))
  }

  private func prices(_ minute: Int, after microseconds: Int64, raised cents: Int = 0) -> MarketEvent {
    .candle(Self.price, record(minute, after: microseconds, Self.walk[minute].raised(cents: cents).pricesOnly))
  }

  private func volumes(_ minute: Int, after microseconds: Int64) -> MarketEvent {
    .candle(Self.volume, record(minute, after: microseconds))
  }

  private func input(_ minute: Int, hasVolumes: Bool = true, raised cents: Int = 0) -> FeatureInput {
    FeatureInput(
      prices: Self.walk[minute].raised(cents: cents), volumes: hasVolumes ? Self.walk[minute] : nil)
  }

  private func time(_ minute: Int, _ microseconds: Int64) -> Timestamp {
    Self.walk[minute].closeTime.adding(microseconds: microseconds)
  }

  private func steps(_ events: MarketEvent..., until end: Timestamp? = nil) -> [Decided] {
    var join = CandleJoin(Self.view)
    var decided: [Decided] = []
    func collect() {
      while let step = join.next() {
        switch step {
        case .next(let candle, let time): decided.append(Decided(candle: candle, at: time))
        case .late(let candle, let time): decided.append(Decided(candle: candle, at: time, isLate: true))
        case .forgotten: break
        }
      }
    }
    for event in events {
      join.take(event)
      collect()
    }
    if let end { join.advance(to: end) }
    collect()
    return decided
  }

  @Test func `volumes that are there first, or at the same time, are decided with at once`() {
    #expect(steps(volumes(0, after: 1), prices(0, after: 2)) == [Decided(candle: input(0), at: time(0, 2))])
    #expect(steps(volumes(0, after: 2), prices(0, after: 2)) == [Decided(candle: input(0), at: time(0, 2))])
    #expect(steps(prices(0, after: 2), volumes(0, after: 2)) == [Decided(candle: input(0), at: time(0, 2))])
  }

  @Test func `prices wait for volumes within the grace, its end included`() {
    #expect(steps(prices(0, after: 0)) == [])
    #expect(steps(prices(0, after: 0), until: time(0, Self.grace)) == [])
    for delay in [1, Self.grace] {
      let decided = steps(prices(0, after: 0), volumes(0, after: delay))
      #expect(decided == [Decided(candle: input(0), at: time(0, delay))])
    }
  }

  @Test func `after the grace a minute is decided on without volumes, whoever says that it is over`() {
    let without = Decided(candle: input(0, hasVolumes: false), at: time(0, Self.grace))
    #expect(steps(prices(0, after: 0), until: time(0, Self.grace + 1)) == [without])
    #expect(steps(prices(0, after: 0), prices(1, after: 0)) == [without])
    let late = Decided(candle: input(0), at: time(0, Self.grace + 1), isLate: true)
    #expect(steps(prices(0, after: 0), volumes(0, after: Self.grace + 1)) == [without, late])
  }

  @Test func `minutes are decided on in their order`() {
    // Both come together after a broken connection; the volume of the second one is there before that of the first.
    let events = steps(
      prices(0, after: 60_000_000), prices(1, after: 1), volumes(1, after: 2), volumes(0, after: 60_000_003))
    #expect(events == [Decided(candle: input(0), at: time(1, 3)), Decided(candle: input(1), at: time(1, 3))])
  }

  @Test func `a correction of prices that wait takes their place, and one of prices decided on is late`() {
    let corrected = steps(prices(0, after: 0), prices(0, after: 1, raised: 7), volumes(0, after: 2))
    #expect(corrected == [Decided(candle: input(0, raised: 7), at: time(0, 2))])
    let late = steps(volumes(0, after: 0), prices(0, after: 1), prices(0, after: 2, raised: 7))
    #expect(late.last == Decided(candle: input(0, raised: 7), at: time(0, 2), isLate: true))
  }

  @Test func `prices of an earlier minute are late even if a later one waits`() {
    let decided = steps(
      volumes(0, after: 0), prices(0, after: 1), prices(3, after: 0), prices(1, after: 120_000_001),
      volumes(3, after: 2))
    #expect(
      decided == [
        Decided(candle: input(0), at: time(0, 1)),
        Decided(candle: input(1, hasVolumes: false), at: time(3, 1), isLate: true),
        Decided(candle: input(3), at: time(3, 2)),
      ])
  }

  @Test func `what the view does not read of the volume series changes nothing`() {
    let other = Self.walk[0].raised(cents: 4321)
    var quote = other
    (quote.quoteVolume, quote.takerBuyQuote) = (nil, nil)
    let decided = steps(
      prices(0, after: 0), .candle(Self.volume, record(0, after: 1, other)),
      .candle(Self.volume, record(0, after: 2, quote)), volumes(0, after: 3))
    #expect(decided == [Decided(candle: input(0), at: time(0, 1))])
  }

  @Test func `what is no longer kept is said to be forgotten, and of a series that is behind too`() throws {
    let walk = RandomWalk()(seed: 5, count: CandleJoin.keptMinutes + 10)
    var (join, whole) = (CandleJoin(Self.view), CandleJoin(Self.view, forgets: false))
    func take(_ event: MarketEvent) -> (CandleJoin.Step?, CandleJoin.Step?) {
      join.take(event)
      whole.take(event)
      return (join.next(), whole.next())
    }
    for candle in walk { _ = take(.candle(Self.volume, CandleRecord(archived: candle))) }
    while join.next() != nil {}
    let now = walk[walk.count - 1].closeTime.adding(minutes: 1)
    let old = CandleRecord(walk[2].pricesOnly, lateAt: now)
    let (forgotten, late) = take(.candle(Self.price, old))
    #expect(forgotten == .forgotten(openTime: walk[2].openTime, availableAt: now))
    // As text, in which not known equals not known.
    func text(_ step: CandleJoin.Step?) -> String { String(describing: step) }
    #expect(text(late) == text(.late(FeatureInput(prices: walk[2], volumes: walk[2]), availableAt: now)))
    let young = CandleRecord(walk[50].pricesOnly, lateAt: now)
    let (next, same) = take(.candle(Self.price, young))
    #expect(text(next) == text(.next(FeatureInput(prices: walk[50], volumes: walk[50]), availableAt: now)))
    #expect(text(next) == text(same))
  }

  /// The rules as they read, without a queue: for each minute when it is decided on, and from what.
  @Test(arguments: Soak.seeds(20)) func `decisions are what the rules say of all events at once`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let walk = RandomWalk()(seed: seed, count: 200)
    var events: [MarketEvent] = []
    func add(_ series: Series, _ candle: Candle, _ delay: ClosedRange<Int64>) {
      let delay = Int64.random(in: delay, using: &random)
      // No two at the same time, so that there is one order.
      events.append(
        .candle(
          series,
          CandleRecord(candle, lateAt: candle.closeTime.adding(microseconds: delay * 1000 + Int64(events.count)))))
    }
    for candle in walk {
      add(Self.price, candle.pricesOnly, Int.random(in: 0..<15, using: &random) == 0 ? 0...300_000 : 0...3_000)
      if Int.random(in: 0..<20, using: &random) == 0 {
        add(Self.price, candle.raised(cents: 9).pricesOnly, 1_000...90_000)
      }
      switch Int.random(in: 0..<12, using: &random) {
      case 0: break
      case 1: add(Self.volume, candle, 5_000...400_000)
      default: add(Self.volume, candle, 0...8_000)
      }
    }
    events.sort { $0.precedes($1) }

    var expected: [Decided] = []
    var newest = Timestamp.distantPast
    var previous = Timestamp.distantPast
    for case .candle(Self.price, let record) in events where record.candle.openTime > newest {
      newest = record.candle.openTime
      let arrivals = events.compactMap { event -> Timestamp? in
        guard case .candle(Self.volume, let volume) = event, volume.candle.openTime == newest else { return nil }
        return volume.availableAt
      }
      let deadline = record.availableAt.adding(microseconds: Self.grace)
      let first = arrivals.min().map { max($0, record.availableAt) } ?? .distantFuture
      previous = max(previous, min(first, deadline))
      let known = events.filter { $0.availableAt <= previous }
      func last(_ series: Series) -> Candle? {
        known.last { if case .candle(series, let other) = $0 { other.candle.openTime == newest } else { false } }
          .map { if case .candle(_, let other) = $0 { other.candle } else { record.candle } }
      }
      expected.append(
        Decided(
          candle: FeatureInput(prices: last(Self.price) ?? record.candle, volumes: last(Self.volume)), at: previous))
    }

    var join = CandleJoin(Self.view)
    var decided: [Decided] = []
    var state: [Timestamp: FeatureInput] = [:]
    for event in events {
      join.take(event)
      collect(&join, &decided, &state)
    }
    join.advance(to: .distantFuture)
    collect(&join, &decided, &state)
    #expect(decided == expected)
    func newestVersions(_ series: Series) -> [Candle] {
      var newest: [Timestamp: Candle] = [:]
      for case .candle(series, let record) in events { newest[record.candle.openTime] = record.candle }
      return newest.values.sorted { $0.openTime < $1.openTime }
    }
    let joined = JoinedCandles(prices: newestVersions(Self.price), volumes: newestVersions(Self.volume))
    #expect(joined.map { "\($0)" } == state.values.sorted { $0.openTime < $1.openTime }.map { "\($0)" })
  }

  private func collect(
    _ join: inout CandleJoin, _ decided: inout [Decided], _ state: inout [Timestamp: FeatureInput]
  ) {
    while let step = join.next() {
      switch step {
      case .next(let candle, let time):
        decided.append(Decided(candle: candle, at: time))
        state[candle.openTime] = candle
      case .late(let candle, _): state[candle.openTime] = candle
      case .forgotten(let openTime, _): Issue.record("\(openTime) is forgotten")
      }
    }
  }
}
