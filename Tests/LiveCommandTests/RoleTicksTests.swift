import Features
import Ingestion
import Market
import Models
import Pipeline
import Redis
import Streams
import TestSupport
import Testing

@testable import candlecast

/// The tick cadence in one process, and cut in two over what two streams carry.
struct RoleTicksTests {
  private static let view = MarketView("binance:BTCUSDT")!
  private static let start = Timestamp("2026-11-21T11:58:30Z")!
  private static let cadence = TickCadence()

  // MARK: Whoever is killed

  @Test(arguments: Soak.seeds(6)) func `roles apart say what one process says, whoever is killed`(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let version = try Self.version(in: folder)
    var market = MadeMarket(Self.view.price, seed: seed)
    var whole = TickStage(Self.view, Self.cadence, mode: .replay)
    whole.serve(version)
    for event in market.history { whole.take(event) }
    var apart = Apart(Self.view, version, history: market.history, seed: seed)
    var teller = TickTeller(Self.view, Self.cadence, source: RoleSource.replay)
    var expected: [Prediction] = []
    var now = Self.start
    for _ in 0..<2500 {
      let output = market.step(at: now)
      expected += whole.advance(to: now)
      for event in output.ticks { whole.take(event, at: now) }
      for event in output.events { whole.take(event) }
      for event in output.events { apart.stored.append(event) }
      try apart.take(teller.take(output, now: now))
      now = now.adding(microseconds: market.pause())
    }
    try apart.finish()
    let found = apart.rows
    #expect(found.count == expected.count, "seed \(seed)")
    if let (ours, theirs) = zip(found, expected).first(where: { $0 != $1 }) {
      Issue.record("seed \(seed): \(ours), not \(theirs)")
    }
    #expect(Set(expected.map(\.state)).count > 2 && apart.kills > 5, "seed \(seed)")
    #expect(Set(expected.compactMap(\.probabilityUp)).count > 100, "seed \(seed)")
  }

  private static func version(in folder: TemporaryFolder) throws -> ServedTickVersion {
    let made = MadeTickVersion(
      shape: .sequence, view: view, inputsHash: TickInputs.hash.description, inputNames: TickInputs.names)
    let model = try TickModel(
      path: try made.write(in: folder.path), view: view, inputsHash: TickInputs.hash.description,
      inputNames: TickInputs.names)
    return ServedTickVersion(model, standing: .production)
  }

  @Test func `much at once is told in several records`() throws {
    var market = MadeMarket(Self.view.price, seed: 1)
    var teller = TickTeller(Self.view, Self.cadence, source: RoleSource.live)
    var output = market.step(at: Self.start)
    output.events = (0..<20).flatMap { _ in market.history }
    let batches =
      teller.take(output, now: Self.start) + teller.take(LiveOutput(at: Self.start), now: Self.start.adding(minutes: 1))
    #expect(batches.map(\.number) == Array(0..<Int64(batches.count)) && batches.count > 15)
    #expect(batches.reduce(0) { $0 + $1.entries.count } == output.events.count + output.ticks.count)
    for batch in batches {
      let record = StreamEvent.ticks(batch).record
      #expect(record.body.count < StreamRecord.mostBytes / 2)
      #expect(try StreamEvent(json: record.body) == .ticks(batch))
    }
  }

  // MARK: What is lost

  @Test func `of a hole windows do not know, and say so`() throws {
    var market = MadeMarket(Self.view.price, seed: 3)
    var teller = TickTeller(Self.view, Self.cadence, source: RoleSource.live)
    var batches: [TickBatch] = []
    var stored = market.history
    var now = Self.start
    while now < Self.start.adding(minutes: 14) {
      let output = market.step(at: now, isCalm: true)
      batches += teller.take(output, now: now)
      stored += output.events
      now = now.adding(microseconds: 200_000)
    }
    var (whole, torn) = (RolePoints(Self.view), RolePoints(Self.view))
    let history: RolePoints.History = { moment, body in
      for event in stored where moment.has(event) { body(event) }
    }
    var missing: [String] = []
    for (place, batch) in batches.enumerated() {
      let expected = try whole.take(batch, history: history)?.point
      if place == 300 { continue }
      let found = try torn.take(batch, history: history)
      guard let inputs = found?.point?.inputs, place > 300 else { continue }
      missing.append("\(inputs.values[4] == nil) \(inputs.values[2] == nil)")
      for (ours, theirs) in zip(inputs.values, expected?.inputs.values ?? []) where ours != nil {
        #expect(ours == theirs)
      }
      if place > 300 + 202 { #expect(found?.point == expected) }
    }
    #expect(torn.holes == 1 && whole.holes == 0)
    #expect(missing.first == "true true" && missing.contains("false true") && missing.last == "false false")
  }

  // MARK: The ladder

  @Test func `without points what stands in Redis is decided on, and what is wrong with it is said`() throws {
    var decisions = RoleDecisions(Self.view, nil, carrier: .redis)
    let time = Timestamp("2026-11-21T12:00:00Z")!
    func after(_ milliseconds: Int64) -> Timestamp { time.adding(microseconds: milliseconds * 1000) }
    func event(_ time: Timestamp) -> PointEvent {
      var values = [Double?](repeating: 0.5, count: TickInputs.names.count)
      values[0] = 60_000
      return PointEvent(
        view: Self.view, cadence: Self.cadence, run: self.time,
        point: TickPoint(
          inputs: TickInputs(time: time, values: values, reference: 60_000), ageMilliseconds: 10, source: .direct),
        source: RoleSource.live)
    }
    #expect(decisions.overdueMoment(at: after(60_000)) == nil)
    let first = try decisions.decide(on: event(time)) { _, _ in [] }
    #expect(first.last?.forecast?.source == .redis && first.last?.state == "untrained")
    #expect(decisions.overdueMoment(at: after(6500)) == nil)
    let moment = try #require(decisions.overdueMoment(at: after(6600)))
    #expect(moment == after(6000))
    let missing = decisions.decide(on: .missing, at: moment, now: after(6600))
    #expect(missing.map(\.state) == ["abstain:missing"] && missing[0].time == moment)
    // A moment is spoken of once.
    #expect(decisions.overdueMoment(at: after(7400)) == nil)
    let readings: [(CacheReading<[FeaturePoint]>?, String)] = [
      (.stale([], ageMilliseconds: 7000), "stale"), (.unreadable(reason: "no list"), "unreadable"),
      (.unavailable(.cancelled(server: "")), "unavailable"), (nil, "stale"),
    ]
    for (place, (reading, state)) in readings.enumerated() {
      let now = after(7500 + Int64(place) * 1500)
      let moment = try #require(decisions.overdueMoment(at: now))
      #expect(decisions.decide(on: reading, at: moment, now: now).map(\.state) == ["abstain:" + state])
    }
    #expect(decisions.late == 0 && decisions.decided == 1)
    // What comes now was spoken of; what comes then was not.
    #expect(try decisions.decide(on: event(after(1500))) { _, _ in [] }.isEmpty)
    #expect(decisions.late == 1)
    let point = FeaturePoint(event(after(15_000)).point, of: .btcusdt)
    let moment2 = try #require(decisions.overdueMoment(at: after(16_000)))
    let cached = decisions.decide(on: .fresh([point], ageMilliseconds: 1000), at: moment2, now: after(16_000))
    #expect(cached.last?.time == after(15_000) && cached.last?.forecast?.current == 60_000)
    #expect(try decisions.decide(on: event(after(15_000))) { _, _ in [] }.isEmpty)
    #expect(try decisions.decide(on: event(after(16_500))) { _, _ in [] }.count > 1)
  }

  private var time: Timestamp { Timestamp("2026-11-21T12:00:00Z")! }
}

/// A market that trades, falls silent and is interrupted.
private struct MadeMarket {
  private static let minutesBefore = 200

  let series: Series
  private(set) var history: [MarketEvent]
  private var random: SplitMix64
  private var trade: Int64 = 5000
  private var cents: Int64 = 6_000_000
  private var minute: Int64
  private var isWhole = false
  private var silentUntil = Timestamp.distantPast

  init(_ series: Series, seed: UInt64) {
    self.series = series
    random = SplitMix64(seed: seed)
    minute = Timestamp("2026-11-21T11:58:30Z")!.minute
    history = []
    for minute in minute - Int64(Self.minutesBefore)..<minute {
      history.append(candle(minute, at: Timestamp(minute: minute + 1)))
    }
  }

  mutating func pause() -> Int64 { .random(in: 1000...1_000_000, using: &random) }

  mutating func step(at now: Timestamp, isCalm: Bool = false) -> LiveOutput {
    var output = LiveOutput(at: now)
    if now.minute > minute {
      output.events.append(candle(minute, at: now))
      minute = now.minute
    }
    if !isCalm, Int.random(in: 0..<400, using: &random) == 0 {
      silentUntil = now.adding(microseconds: .random(in: 1_000_000...40_000_000, using: &random))
      if Bool.random(using: &random) { (isWhole, output.ticks) = (false, [.interrupted(series)]) }
    }
    guard now >= silentUntil else {
      if Int.random(in: 0..<10, using: &random) == 0 { output.ticks.append(.snapshot(series, snapshot(at: now))) }
      return output
    }
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let made = trade(at: now)
      if !isWhole { output.ticks.append(.tradesBegin(series, at: made.time)) }
      isWhole = true
      output.ticks.append(.trade(series, made))
    }
    if Bool.random(using: &random) { output.ticks.append(.quote(series, quote())) }
    return output
  }

  private mutating func trade(at now: Timestamp) -> Trade {
    trade += 1
    cents += .random(in: -500...500, using: &random)
    return Trade(
      id: trade, time: now.adding(microseconds: -.random(in: 0...200_000, using: &random)), price: price(cents),
      quantity: Decimal8(units: .random(in: 1...900_000_000, using: &random)) ?? .zero,
      isTakerBuyer: .random(using: &random), count: .random(in: 1...3, using: &random))
  }

  private mutating func quote() -> Quote {
    Quote(
      updateId: Bool.random(using: &random) ? trade : nil, bidPrice: price(cents - 1),
      bidQuantity: Decimal8(units: .random(in: 0...900_000_000, using: &random)) ?? .zero, askPrice: price(cents),
      askQuantity: Decimal8(units: .random(in: 1...900_000_000, using: &random)) ?? .zero)
  }

  private mutating func snapshot(at now: Timestamp) -> MarketSnapshot {
    let trades = (0..<20).map { _ in trade(at: now) }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    return MarketSnapshot(
      candles: (1...5 as ClosedRange<Int64>).reversed().compactMap { age in
        if case .candle(_, let record) = candle(now.minute - age, at: now) { record.candle } else { nil }
      }, trades: trades, tradesFrom: Bool.random(using: &random) ? trades.first?.time : .distantPast,
      quote: Bool.random(using: &random) ? quote() : nil)
  }

  private func price(_ cents: Int64) -> Decimal8 { Decimal8(units: Int128(cents) * 1_000_000) ?? .zero }

  private func candle(_ minute: Int64, at now: Timestamp) -> MarketEvent {
    let close = 6_000_000 + minute * 37 % 1009
    let candle = Candle(
      openTime: Timestamp(minute: minute), open: price(close - 5), high: price(close + 9), low: price(close - 9),
      close: price(close), volume: price(100 + minute % 7), trades: minute % 90)
    return .candle(
      series,
      CandleRecord(candle: candle, availableAt: now, knownAt: now, provenance: .live, isAvailabilityAssumed: false))
  }
}

extension StoredMoment {
  fileprivate func has(_ event: MarketEvent) -> Bool {
    if case .candle(_, let record) = event { has(record) } else { false }
  }
}

/// Two roles that are killed now and then, and what they are given again because they did not say that it was done.
private struct Apart {
  /// What was stored before and since.
  var stored: [MarketEvent]
  private(set) var rows: [Prediction] = []
  private(set) var kills = 0
  private let view: MarketView
  private let version: ServedTickVersion
  private var random: SplitMix64
  private var points: RolePoints
  private var decisions: RoleDecisions
  private var batches = Lane()
  private var between = Lane()

  init(_ view: MarketView, _ version: ServedTickVersion, history: [MarketEvent], seed: UInt64) {
    (self.view, self.version, stored) = (view, version, history)
    random = SplitMix64(seed: seed &+ 1000)
    points = RolePoints(view)
    decisions = RoleDecisions(view, version, carrier: .kinesis)
  }

  mutating func take(_ told: [TickBatch]) throws {
    for batch in told { batches.publish(.ticks(batch)) }
    if Int.random(in: 0..<20, using: &random) == 0 { try makePoints() }
    if Int.random(in: 0..<20, using: &random) == 0 { try decide() }
    if Int.random(in: 0..<200, using: &random) == 0 {
      points = RolePoints(view)
      batches.restart()
      kills += 1
    }
    if Int.random(in: 0..<200, using: &random) == 0 {
      decisions = RoleDecisions(view, version, carrier: .kinesis)
      between.restart()
      kills += 1
    }
  }

  mutating func finish() throws {
    try makePoints(mayDie: false)
    try decide()
  }

  private mutating func makePoints(mayDie: Bool = true) throws {
    var wasKilled = false
    while let delivery = batches.next(), !wasKilled {
      guard case .ticks(let batch) = try StreamEvent(json: delivery.record.body) else { continue }
      let outcome = try points.take(batch) { [stored] moment, body in
        for event in stored where moment.has(event) { body(event) }
      }
      if outcome?.beginning != nil { batches.held.release(before: .distantFuture) }
      if let point = outcome?.point {
        between.publish(
          .point(PointEvent(view: view, cadence: batch.cadence, run: batch.run, point: point, source: batch.source)))
      }
      batches.held.hold(delivery, at: batch.range.upperBound)
      batches.held.release(before: points.until.adding(microseconds: -RolePoints.reachMicroseconds))
      // Killed between what it told and saying that it was done.
      wasKilled = mayDie && Int.random(in: 0..<300, using: &random) == 0
    }
    if wasKilled {
      points = RolePoints(view)
      batches.restart()
    } else {
      batches.acknowledge()
    }
  }

  private mutating func decide() throws {
    while let delivery = between.next() {
      guard case .point(let event) = try StreamEvent(json: delivery.record.body) else { continue }
      let made = try decisions.decide(on: event) { [rows] range, mode in
        Set(rows.filter { range.contains($0.time) && $0.mode == mode }.map(\.time))
      }
      if decisions.beginsRun { between.held.release(before: .distantFuture) }
      rows += made
      between.held.hold(delivery, at: event.point.inputs.time)
      between.held.release(before: decisions.newest.adding(microseconds: -RoleDecisions.reachMicroseconds))
    }
    between.acknowledge()
  }

  /// A stream with one group.
  private struct Lane {
    private var all: [Delivery] = []
    private var done: Set<String> = []
    private var place = 0
    var held = HeldDeliveries()

    mutating func publish(_ event: StreamEvent) {
      all.append(
        Delivery(
          record: event.record, position: StreamPosition(shard: "0", sequence: "\(all.count)"), attempt: 1))
    }

    mutating func next() -> Delivery? {
      while place < all.count {
        defer { place += 1 }
        if !done.contains(all[place].position.sequence) { return all[place] }
      }
      return nil
    }

    mutating func acknowledge() { done.formUnion(held.takeReleased().map(\.position.sequence)) }

    mutating func restart() { (place, held) = (0, HeldDeliveries()) }
  }
}
