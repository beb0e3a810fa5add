import Features
import Market
import Models
import Pipeline
import TestSupport
import Testing

/// A market of a trade and a quote each second, and what is said of it between candles.
@Suite struct TickStageTests {
  private static let view = MadeVersion.view
  private static let start = Timestamp("2024-03-01T12:00:00Z")!
  private static let cadence = TickCadence()

  private struct Step {
    let time: Timestamp
    var ticks: [TickEvent] = []
    var candle: MarketEvent?
  }

  private static func decimal(_ value: Double) -> Decimal8 { Decimal8(units: Int128((value * 1e8).rounded()))! }

  private static func price(_ second: Int) -> Double { 60_000 + Double(second) * 0.5 + Double(second % 7) }

  private static func trade(_ second: Int) -> Trade {
    Trade(
      id: Int64(second) + 1000, time: start.adding(microseconds: Int64(second) * 1_000_000),
      price: decimal(price(second)), quantity: decimal(0.25), isTakerBuyer: second % 2 == 0)
  }

  private static let quote = Quote(
    bidPrice: decimal(60_000), bidQuantity: decimal(1), askPrice: decimal(60_001), askQuantity: decimal(2))

  private static func candle(endingAt end: Timestamp) -> MarketEvent {
    let openTime = end.adding(minutes: -1)
    let close = 60_000 + Double(openTime.minute % 11)
    let candle = Candle(
      openTime: openTime, open: decimal(close - 1), high: decimal(close + 2), low: decimal(close - 2),
      close: decimal(close), volume: decimal(3 + Double(openTime.minute % 5)))
    return .candle(
      view.price,
      CandleRecord(
        candle: candle, availableAt: end, knownAt: end, provenance: .live, isAvailabilityAssumed: false))
  }

  /// A step each second, 100 ms after its trade; `isHeard` says of which seconds the stream tells.
  private static func steps(_ seconds: Range<Int>, isHeard: (Int) -> Bool = { _ in true }) -> [Step] {
    seconds.map { second in
      let time = start.adding(microseconds: Int64(second) * 1_000_000)
      var step = Step(time: time.adding(microseconds: 100_000))
      if second == seconds.lowerBound { step.ticks.append(.tradesBegin(view.price, at: time)) }
      if isHeard(second) { step.ticks += [.trade(view.price, trade(second)), .quote(view.price, quote)] }
      if second > 0, second % 60 == 0 { step.candle = candle(endingAt: time) }
      return step
    }
  }

  private static func stage(_ version: ServedTickVersion? = nil) -> TickStage {
    var stage = TickStage(view, cadence, mode: .live)
    for minute in -200...0 { stage.take(candle(endingAt: start.adding(minutes: minute))) }
    stage.serve(version)
    return stage
  }

  private static func run(_ stage: inout TickStage, _ steps: [Step]) -> [[Prediction]] {
    var said: [[Prediction]] = []
    for step in steps {
      let predictions = stage.advance(to: step.time)
      if !predictions.isEmpty { said.append(predictions) }
      for event in step.ticks { stage.take(event, at: step.time) }
      if let candle = step.candle { stage.take(candle) }
    }
    return said
  }

  private static func version(
    _ folder: TemporaryFolder, named name: String = "move-60s-1", deviation: Double = 4,
    shape: TickModel.Shape = .point, _ standing: ServedVersion.Standing = .production
  ) throws -> ServedTickVersion {
    let made = MadeTickVersion(
      shape: shape, name: name, view: view, inputsHash: TickInputs.hash.description, inputNames: TickInputs.names,
      residualDeviation: deviation)
    let model = try TickModel(
      path: try made.write(in: folder.path), view: view, inputsHash: TickInputs.hash.description,
      inputNames: TickInputs.names)
    return ServedTickVersion(model, standing: standing)
  }

  // MARK: Versions beside the one that answers

  @Test func `each moment is served by one version, which says what it would say alone`() throws {
    let folder = try TemporaryFolder()
    let versions = try ["a", "b", "c"].enumerated().map { place, name in
      try Self.version(folder, named: name, deviation: Double(place + 2))
    }
    let alone = versions.map { version in
      var stage = Self.stage(version)
      return Self.run(&stage, Self.steps(0..<500))
    }
    var stage = Self.stage(versions[0])
    stage.setArms([ServedArm(part: 0..<0.4, version: versions[1]), ServedArm(part: nil, version: versions[2])])
    let said = Self.run(&stage, Self.steps(0..<500))
    #expect(said.count == alone[0].count)
    var (splits, shadows) = (0, 0)
    for (place, predictions) in said.enumerated() {
      let isSplit = ArmLine.place(of: predictions[0].time, TickDecisions.target, Self.view) < 0.4
      splits += isSplit ? 1 : 0
      let served = predictions.filter(\.isServed)
      #expect(served.allSatisfy { $0.arm == (isSplit ? .split : .main) })
      #expect(served.map(\.withoutArm) == alone[isSplit ? 1 : 0][place])
      let beside = predictions.filter { $0.arm == .shadow }
      #expect(beside.count == 1 && predictions.count == served.count + 1)
      guard alone[2][place][0].modelName == .mlp, alone[2][place][0].probabilityUp != nil else { continue }
      shadows += 1
      #expect(beside.map(\.withoutArm) == [alone[2][place][0]])
    }
    #expect(splits > 20 && splits < said.count - 20 && shadows > 100)
  }

  @Test func `the version that answers anyway is silent as an arm, and a shadow that cannot answer says why`() throws {
    let folder = try TemporaryFolder()
    let version = try Self.version(folder)
    let sequence = try Self.version(folder, named: "s", shape: .sequence)
    var stage = Self.stage(version)
    stage.setArms([
      ServedArm(part: 0..<1, version: version), ServedArm(part: nil, version: version),
      ServedArm(part: nil, version: sequence),
    ])
    let said = Self.run(&stage, Self.steps(0..<320))
    #expect(said.allSatisfy { $0.filter(\.isServed).allSatisfy { $0.arm == .main } })
    let beside = said.map { $0.filter { !$0.isServed } }
    #expect(beside.allSatisfy { $0.map(\.version) == ["s"] })
    #expect(beside[0][0].state == "abstain:no_answer" && beside[0][0].reason.contains("not known: price_change_1m"))
    #expect(beside.last?[0].probabilityUp != nil)
    stage.setArms([])
    let alone = stage.advance(to: Self.start.adding(microseconds: 321_100_000))
    #expect(!alone.isEmpty && alone.allSatisfy { $0.isServed })
  }

  // MARK: Moments

  @Test func `moments are multiples of the interval and see nothing that came at them or later`() throws {
    var stage = Self.stage()
    let said = Self.run(&stage, Self.steps(0..<31))
    let times = said.map { $0[0].time.milliseconds - Self.start.milliseconds }
    #expect(times == (1...20).map { Int64($0) * 1500 })
    for predictions in said {
      let second = Int((predictions[0].time.microseconds - 1) / 1_000_000 - Self.start.microseconds / 1_000_000)
      #expect(predictions.last?.forecast?.current == Self.price(second))
    }
  }

  @Test func `moments that were passed over are left out`() {
    var stage = Self.stage()
    _ = Self.run(&stage, Self.steps(0..<10))
    let late = stage.advance(to: Self.start.adding(microseconds: 60_700_000))
    #expect(late.first?.time == Self.start.adding(microseconds: 60_000_000))
    #expect(stage.advance(to: Self.start.adding(microseconds: 61_400_000)).isEmpty)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `in whatever portions it is told, the same is said`(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let version = try Self.version(folder, shape: .sequence)
    var whole = Self.stage(version)
    let steps = Self.steps(0..<400)
    let expected = Self.run(&whole, steps)
    var random = SplitMix64(seed: seed)
    var stage = Self.stage(version)
    let cut = steps.flatMap { step in
      let between = Int64.random(in: 0..<400_000, using: &random)
      return [step, Step(time: step.time.adding(microseconds: between))]
    }
    let actual = Self.run(&stage, cut)
    #expect(Array(actual.prefix(expected.count)) == expected, "seed \(seed)")
  }

  // MARK: Answers

  @Test func `without a version the line through the last minute and no change are said, as untrained`() throws {
    var stage = Self.stage()
    let newest = try #require(Self.run(&stage, Self.steps(0..<400)).last)
    #expect(newest.map(\.modelName) == [.linear, .baseline])
    #expect(
      newest.allSatisfy { $0.state == "untrained" && !$0.reason.isEmpty && $0.target == .move(horizonSeconds: 60) })
    let line = newest[0]
    #expect(line.confidence == 0.3)
    #expect(line.probabilityUp == nil)
    let predicted = try #require(line.forecast?.predicted)
    #expect(abs(predicted - Self.price(398) - 30) < 8)
    #expect(newest[1].probabilityUp == 0.5)
    #expect(newest[1].forecast?.predicted == newest[1].forecast?.current)
  }

  @Test(arguments: TickModel.Shape.allCases)
  func `a version says the price, its interval and a probability`(shape: TickModel.Shape) throws {
    let folder = try TemporaryFolder()
    let version = try Self.version(folder, shape: shape, .unpromoted(reason: "too little skill"))
    var stage = Self.stage(version)
    let newest = try #require(Self.run(&stage, Self.steps(0..<400)).last)
    #expect(newest.map(\.modelName) == [.mlp, .linear, .baseline])
    let answer = newest[0]
    let forecast = try #require(answer.forecast)
    #expect(answer.state == "unpromoted")
    #expect(answer.reason == "too little skill")
    #expect(answer.version == "move-60s-1")
    #expect(answer.featureSetHash == TickInputs.hash.description)
    #expect(forecast.source == .direct)
    #expect(forecast.inputAgeMilliseconds == 900)
    let (low, predicted) = (try #require(forecast.low), try #require(forecast.predicted))
    let high = try #require(forecast.high)
    #expect(low < predicted && predicted < high)
    let probability = try #require(answer.probabilityUp)
    #expect(answer.confidence == max(probability, 1 - probability))
    #expect(answer.expiresAt == answer.time.adding(minutes: 1))
  }

  // MARK: What degrades

  @Test func `an outdated input keeps its last value and costs confidence, not probability`() throws {
    let folder = try TemporaryFolder()
    let version = try Self.version(folder)
    var stage = Self.stage(version)
    var steps = Self.steps(0..<400)
    // The next minutes' candles do not come.
    for place in steps.indices where place > 359 { steps[place].candle = nil }
    let said = Self.run(&stage, steps)
    let before = try #require(said.last { $0[0].time <= Self.start.adding(microseconds: 364_000_000) })
    #expect(before[0].state == "fresh", "a minute that has only just ended is not missing")
    let newest = try #require(said.last)
    #expect(newest[0].state == "partial")
    #expect(newest[0].reason.contains("rsi_5m"))
    let probability = try #require(newest[0].probabilityUp)
    #expect(newest[0].confidence == max(probability, 1 - probability) * 0.8)
  }

  @Test func `inputs that were never known leave the line alone, and say so`() throws {
    let folder = try TemporaryFolder()
    var stage = Self.stage(try Self.version(folder))
    let newest = try #require(Self.run(&stage, Self.steps(0..<45)).last)
    #expect(newest.map(\.modelName) == [.linear, .baseline])
    #expect(newest[0].state == "linear")
    #expect(newest[0].confidence == 0.3)
    #expect(newest[0].reason.contains("price_change_5m"))
  }

  @Test func `a sequence of points at another interval is not answered`() throws {
    let folder = try TemporaryFolder()
    var stage = TickStage(Self.view, TickCadence(intervalMilliseconds: 1000), mode: .live)
    for minute in -200...0 { stage.take(Self.candle(endingAt: Self.start.adding(minutes: minute))) }
    stage.serve(try Self.version(folder, shape: .sequence))
    let newest = try #require(Self.run(&stage, Self.steps(0..<400)).last)
    #expect(newest[0].state == "linear")
    #expect(newest[0].reason.contains("1500 ms apart, not 1000"))
  }

  @Test func `a silent stream is replaced by what requests tell, and abstained on without them`() throws {
    let folder = try TemporaryFolder()
    var stage = Self.stage(try Self.version(folder))
    _ = Self.run(&stage, Self.steps(0..<400))
    let silent = Self.run(&stage, Self.steps(400..<408, isHeard: { _ in false }).map { Step(time: $0.time) })
    #expect(silent.first?[0].state == "fresh")
    let stale = try #require(silent.last?.first)
    #expect(stale.state == "abstain:stale")
    #expect(stale.confidence == nil && stale.probabilityUp == nil)
    let snapshot = MarketSnapshot(
      candles: [], trades: (0..<408).map { Self.trade($0) }, tradesFrom: Self.trade(0).time, quote: Self.quote)
    let asked = Self.start.adding(microseconds: 408_000_000)
    stage.take(.snapshot(Self.view.price, snapshot), at: asked)
    let helped = try #require(stage.advance(to: asked.adding(microseconds: 1_500_000)).first)
    #expect(helped.state == "fallback")
    #expect(helped.forecast?.source == .fallback)
    #expect(helped.forecast?.current == Self.price(407))
    var heard = Self.stage(try Self.version(try TemporaryFolder()))
    let same = try #require(Self.run(&heard, Self.steps(0..<411)).last?.first)
    #expect(same.probabilityUp != nil && helped.probabilityUp != nil)
    #expect(stage.advance(to: asked.adding(microseconds: 7_000_000)).first?.state == "abstain:stale")
  }

  @Test func `what was asked for gives the bits that the stream would have given`() throws {
    let folder = try TemporaryFolder()
    let version = try Self.version(folder)
    let moment = Self.start.adding(microseconds: 405_000_000)
    var heard = Self.stage(version)
    _ = Self.run(&heard, Self.steps(0..<404))
    for event in Self.steps(404..<405)[0].ticks.dropFirst() { heard.take(event, at: moment.adding(microseconds: -1)) }
    var silent = Self.stage(version)
    _ = Self.run(
      &silent, Self.steps(0..<362).filter { $0.candle != nil }.map { Step(time: $0.time, candle: $0.candle) })
    let snapshot = MarketSnapshot(
      candles: [], trades: (0..<405).map { Self.trade($0) }, tradesFrom: Self.trade(0).time, quote: Self.quote)
    silent.take(.snapshot(Self.view.price, snapshot), at: moment.adding(microseconds: -1))
    let (a, b) = (try #require(heard.advance(to: moment).first), try #require(silent.advance(to: moment).first))
    #expect(a.inputHash == b.inputHash)
    #expect(a.probabilityUp == b.probabilityUp)
    #expect(b.state == "fallback")
  }

  @Test func `before any trade nothing is said`() throws {
    var stage = Self.stage()
    let said = Self.run(&stage, Self.steps(0..<4).map { Step(time: $0.time) })
    #expect(said.allSatisfy { $0.count == 1 && $0[0].state == "abstain:stale" && $0[0].reason == "no trade has come" })
  }

  @Test func `trades of another series change nothing`() throws {
    var (stage, other) = (Self.stage(), Self.stage())
    let elsewhere = Series(.coinbase, .btcusdt)
    _ = other.advance(to: Self.start)
    other.take(.tradesBegin(elsewhere, at: Self.start), at: Self.start)
    for second in 0..<30 { other.take(.trade(elsewhere, Self.trade(second)), at: Self.start) }
    _ = stage.advance(to: Self.start)
    let moment = Self.start.adding(microseconds: 30_000_000)
    #expect(other.advance(to: moment) == stage.advance(to: moment))
  }

  // MARK: Serving

  @Test func `confidence decays by the minute and an expired prediction says nothing`() throws {
    let folder = try TemporaryFolder()
    var stage = Self.stage(try Self.version(folder))
    let answer = try #require(Self.run(&stage, Self.steps(0..<400)).last?.first)
    let rules = ServingRules()
    let confidence = try #require(answer.confidence)
    #expect(rules.served(answer, at: answer.time) == answer)
    let later = rules.served(answer, at: answer.time.adding(microseconds: 30_000_000))
    #expect(later.probabilityUp == answer.probabilityUp)
    #expect(abs(try #require(later.confidence) - confidence * 0.974679434480896) < 1e-12)
    let expired = rules.served(answer, at: answer.time.adding(minutes: 1))
    #expect(expired.state == "abstain:expired")
    #expect(expired.probabilityUp == nil && expired.confidence == nil && expired.forecast?.predicted == nil)
    var long = answer
    long.target = .direction(horizonMinutes: 60)
    #expect(rules.served(long, at: answer.time.adding(minutes: 5)).state == answer.state)
    let old = rules.served(long, at: answer.time.adding(microseconds: 300_000_001))
    #expect(old.state == "abstain:expired")
  }

  @Test func `the threshold says what to act on and hides nothing`() throws {
    let folder = try TemporaryFolder()
    var stage = Self.stage(try Self.version(folder))
    var answer = try #require(Self.run(&stage, Self.steps(0..<400)).last?.first)
    let rules = ServingRules(actionableConfidence: 0.6)
    answer.confidence = 0.6
    #expect(rules.isActionable(answer))
    answer.confidence = 0.599
    #expect(!rules.isActionable(answer))
    #expect(ServingRules(actionableConfidence: 0.5).isActionable(answer))
    #expect(rules.served(answer, at: answer.time).probabilityUp == answer.probabilityUp)
  }
}

extension Prediction {
  fileprivate var withoutArm: Prediction {
    var other = self
    other.arm = .main
    return other
  }
}
