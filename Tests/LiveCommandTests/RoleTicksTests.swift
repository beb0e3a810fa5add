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

  @Test(arguments: Soak.seedsOfStores(6))
  func `roles apart say what one process says, whoever is killed`(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let served = Served(
      ticks: try Self.version(in: folder),
      closes: try PredictionTarget.marketWindows.map { ($0, try Self.version(of: $0, in: folder)) })
    var market = MadeMarket(Self.view.price, seed: seed)
    var dice = SplitMix64(seed: seed &+ 2000)
    var whole = Whole(Self.view, Self.cadence, served, market.history)
    var apart = Apart(Self.view, served, history: market.history, seed: seed)
    var teller = TickTeller(Self.view, Self.cadence, source: RoleSource.replay)
    var expected: [Prediction] = []
    var now = Self.start
    let restart = Int.random(in: 100..<1200, using: &dice)
    let again = Int.random(in: restart + 100..<2400, using: &dice)
    for step in 0..<2500 {
      if step == restart {
        // Who collects is killed, with what it has not told; one process would be too.
        whole = Whole(Self.view, Self.cadence, served, apart.stored)
        teller = TickTeller(Self.view, Self.cadence, source: RoleSource.replay)
        apart.beginRun()
      }
      let output = market.step(at: now)
      expected += whole.take(output, now: now)
      try apart.take([teller.advance(to: now)].compactMap(\.self).map { .ticks($0) })
      apart.stored += output.events
      try apart.take(output.events.compactMap(Closes.told))
      try apart.take(teller.take(output, now: now).map { .ticks($0) })
      // What plays a recording back was killed, and plays it back once more.
      if step == again { apart.tellAgain() }
      now = now.adding(microseconds: market.pause())
    }
    try apart.finish()
    let found = apart.rows
    #expect(found.count == expected.count, "seed \(seed)")
    if let (ours, theirs) = zip(found, expected).first(where: { $0 != $1 }) {
      Issue.record("seed \(seed): \(ours), not \(theirs)")
    }
    #expect(Set(expected.map(\.state)).count > 2 && apart.kills > 5, "seed \(seed)")
    for target in [TickDecisions.target] + PredictionTarget.openWindows {
      let said = expected.filter { $0.target == target && $0.modelName != .baseline }
      #expect(Set(said.compactMap(\.answer)).count > 20, "seed \(seed): \(target)")
    }
  }

  private static func version(of target: PredictionTarget, in folder: TemporaryFolder) throws -> ServedVersion {
    let set = FeatureSet.of(view)
    let made = MadeVersion(
      target: target, name: "made-\(target)", view: view,
      columns: MadeVersion.Columns(
        hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
        sequence: set.sequenceColumns.map { set.names[$0] }), treeCount: 3, depth: 2)
    let bundle = try ModelBundle(
      path: try made.write(in: folder.path), view: view, featureSetHash: set.hash.description, columnNames: set.names)
    return ServedVersion(bundle, standing: .production)
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
      [teller.advance(to: Self.start)].compactMap(\.self) + teller.take(output, now: Self.start)
      + [teller.advance(to: Self.start.adding(minutes: 1))].compactMap(\.self)
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
      batches += [teller.advance(to: now)].compactMap(\.self) + teller.take(output, now: now)
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
    let first = try decisions.decide(on: event(time), nil) { _, _ in [] }
    #expect(first.last?.forecast?.source == .redis && first.last?.state == "untrained")
    #expect(decisions.overdueMoment(at: after(6500)) == nil)
    let moment = try #require(decisions.overdueMoment(at: after(6600)))
    #expect(moment == after(6000))
    let missing = decisions.decide(on: .missing, at: moment, now: after(6600))
    #expect(Set(missing.map(\.state)) == ["abstain:missing"] && missing.allSatisfy { $0.time == moment })
    #expect(missing.map(\.target) == [TickDecisions.target] + PredictionTarget.openWindows)
    #expect(missing.allSatisfy { $0.forecast?.source == .redis })
    // A moment is spoken of once.
    #expect(decisions.overdueMoment(at: after(7400)) == nil)
    let readings: [(CacheReading<[FeaturePoint]>?, String)] = [
      (.stale([], ageMilliseconds: 7000), "stale"), (.unreadable(reason: "no list"), "unreadable"),
      (.unavailable(.cancelled(server: "")), "unavailable"), (nil, "stale"),
    ]
    for (place, (reading, state)) in readings.enumerated() {
      let now = after(7500 + Int64(place) * 1500)
      let moment = try #require(decisions.overdueMoment(at: now))
      #expect(Set(decisions.decide(on: reading, at: moment, now: now).map(\.state)) == ["abstain:" + state])
    }
    #expect(decisions.late == 0 && decisions.decided == 1)
    // What comes now was spoken of; what comes then was not.
    #expect(try decisions.decide(on: event(after(1500)), nil) { _, _ in [] }.isEmpty)
    #expect(decisions.late == 1)
    let point = FeaturePoint(event(after(15_000)).point, of: .btcusdt)
    let moment2 = try #require(decisions.overdueMoment(at: after(16_000)))
    let cached = decisions.decide(on: .fresh([point], ageMilliseconds: 1000), at: moment2, now: after(16_000))
    #expect(cached.allSatisfy { $0.time == after(15_000) } && cached.first?.forecast?.current == 60_000)
    #expect(cached.suffix(2).map(\.state) == ["abstain:stale", "abstain:stale"])
    #expect(try decisions.decide(on: event(after(15_000)), nil) { _, _ in [] }.isEmpty)
    #expect(try decisions.decide(on: event(after(16_500)), nil) { _, _ in [] }.count > 1)
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

extension RoleDecisions {
  fileprivate init(_ view: MarketView, _ served: Served) {
    self.init(view, served.ticks, carrier: .kinesis)
    for (target, version) in served.closes { serve(target, with: version) }
  }
}

extension StoredMoment {
  fileprivate func has(_ event: MarketEvent) -> Bool {
    if case .candle(_, let record) = event { has(record) } else { false }
  }
}

private struct Served {
  let ticks: ServedTickVersion
  let closes: [(target: PredictionTarget, version: ServedVersion)]
}

/// What is said at closes, made of the candle alone.
private enum Closes {
  static func minute(_ event: MarketEvent?) -> ClosedMinute? {
    guard case .candle(_, let record)? = event else { return nil }
    let volatility = 0.0004 + Double(record.candle.openTime.minute % 7) * 0.0001
    return ClosedMinute(closeTime: record.candle.closeTime, volatility: volatility)
  }

  static func made(_ event: MarketEvent, _ view: MarketView) -> [Prediction] {
    guard case .candle(_, let record) = event else { return [] }
    let minute = record.candle.closeTime.minute
    return PredictionTarget.marketWindows.filter { minute % Int64($0.horizonMinutes) != 0 }.flatMap { target in
      [ModelName.ensemble, .baseline].map { model in
        let probability = 0.3 + Double(minute % (model == .ensemble ? 11 : 3)) * 0.04
        return Prediction(
          time: Timestamp(minute: minute), availableAt: record.availableAt, view: view, target: target,
          probabilityUp: probability, confidence: probability, modelName: model, version: "", featureSetHash: "",
          inputHash: 0, state: "", reason: "", mode: .replay, latencyNanoseconds: 0)
      }
    }
  }

  static func told(_ event: MarketEvent) -> StreamEvent? {
    guard case .candle(let series, let record) = event else { return nil }
    return .candle(
      CandleEvent(series: series, record: record, ingestTime: record.knownAt, source: RoleSource.replay))
  }
}

/// One process.
private struct Whole {
  private let view: MarketView
  private var ticks: TickStage
  private var windows: WindowStage
  private var minute: ClosedMinute?

  init(_ view: MarketView, _ cadence: TickCadence, _ served: Served, _ history: [MarketEvent]) {
    self.view = view
    ticks = TickStage(view, cadence, mode: .replay)
    windows = WindowStage(view, cadence, mode: .replay)
    ticks.serve(served.ticks)
    for (target, version) in served.closes { windows.serve(target, with: version) }
    for event in history {
      ticks.take(event)
      windows.take(event)
    }
    minute = Closes.minute(history.last)
  }

  mutating func take(_ output: LiveOutput, now: Timestamp) -> [Prediction] {
    var made: [Prediction] = []
    if let point = ticks.point(by: now) { made = ticks.decide(on: point) + windows.decide(on: point, minute) }
    for event in output.ticks {
      ticks.take(event, at: now)
      windows.take(event)
    }
    for event in output.events {
      ticks.take(event)
      windows.take(event)
      minute = Closes.minute(event)
      windows.hold(Closes.made(event, view))
    }
    return made
  }
}

/// Two roles that are killed now and then, and what they are given again because they did not say that it was done.
private struct Apart {
  /// What was stored before and since.
  var stored: [MarketEvent]
  private(set) var rows: [Prediction] = []
  private var keys: Set<String> = []
  private(set) var kills = 0
  private let view: MarketView
  private let served: Served
  private var random: SplitMix64
  private var points: RolePoints
  private var decisions: RoleDecisions
  /// As who decides has it; `nil` before anything has come.
  private var minute: ClosedMinute?
  private var batches = Lane()
  private var between = Lane()

  init(_ view: MarketView, _ served: Served, history: [MarketEvent], seed: UInt64) {
    (self.view, self.served, stored) = (view, served, history)
    random = SplitMix64(seed: seed &+ 1000)
    points = RolePoints(view)
    decisions = RoleDecisions(view, served)
  }

  mutating func beginRun() { batches.beginRun() }

  mutating func tellAgain() { batches.publishAgain() }

  mutating func take(_ told: [StreamEvent]) throws {
    for event in told { batches.publish(event) }
    if Int.random(in: 0..<20, using: &random) == 0 { try makePoints() }
    if Int.random(in: 0..<20, using: &random) == 0 { try decide() }
    if Int.random(in: 0..<200, using: &random) == 0 {
      points = RolePoints(view)
      batches.restart()
      kills += 1
    }
    if Int.random(in: 0..<200, using: &random) == 0 {
      decisions = RoleDecisions(view, served)
      minute = nil
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
      let event = try StreamEvent(json: delivery.record.body)
      if case .candle = event {
        between.publish(event)
        batches.held.hold(delivery, at: .distantPast)
        continue
      }
      guard case .ticks(let batch) = event else { continue }
      let outcome = try points.take(batch) { [stored] moment, body in
        for event in stored where moment.has(event) { body(event) }
      }
      guard let outcome else {
        batches.held.pass(delivery)
        continue
      }
      if outcome.beginning != nil { batches.held.release(before: .distantFuture) }
      if let point = outcome.point {
        between.publish(
          .point(
            PointEvent(
              view: view, cadence: batch.cadence, run: batch.run, point: point, windows: outcome.windows,
              source: batch.source)))
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
      let told = try StreamEvent(json: delivery.record.body)
      if case .candle(let event) = told { close(event, delivery) }
      guard case .point(let event) = told else { continue }
      minute = minute ?? Closes.minute(stored.last { StoredMoment.before(event).has($0) })
      let made = try decisions.decide(on: event, minute) { [rows] range, mode in
        Set(rows.filter { range.contains($0.time) && $0.mode == mode }.map(\.time))
      }
      if decisions.beginsRun { between.held.release(before: event.run) }
      store(made)
      if decisions.isRepeated {
        between.held.pass(delivery)
      } else {
        between.held.hold(delivery, at: event.point.inputs.time)
      }
      between.held.release(before: decisions.newest.adding(microseconds: -RolePoints.reachMicroseconds))
    }
    between.acknowledge()
  }

  /// Predictions are unique in the store.
  private mutating func store(_ made: [Prediction]) {
    for prediction in made
    where keys.insert("\(prediction.time) \(prediction.target) \(prediction.modelName)").inserted {
      rows.append(prediction)
    }
  }

  private mutating func close(_ event: CandleEvent, _ delivery: Delivery) {
    between.held.hold(delivery, at: event.record.knownAt)
    let candle = MarketEvent.candle(event.series, event.record)
    minute = minute ?? Closes.minute(stored.last { StoredMoment.before(event).has($0) })
    if let minute, event.record.candle.closeTime <= minute.closeTime { return }
    minute = Closes.minute(candle)
    decisions.hold(Closes.made(candle, view), knownAt: event.record.knownAt)
  }

  /// A stream with one group.
  private struct Lane {
    private var all: [Delivery] = []
    private var done: Set<String> = []
    private var place = 0
    private var runStart = 0
    var held = HeldDeliveries()

    mutating func publish(_ event: StreamEvent) {
      all.append(
        Delivery(
          record: event.record, position: StreamPosition(shard: "0", sequence: "\(all.count)"), attempt: 1))
    }

    mutating func beginRun() { runStart = all.count }

    /// What was told since the run began.
    mutating func publishAgain() {
      for delivery in all[runStart...] {
        all.append(
          Delivery(
            record: delivery.record, position: StreamPosition(shard: "0", sequence: "\(all.count)"), attempt: 1))
      }
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
