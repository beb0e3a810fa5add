import Features
import Glibc
import Market
import Models
import Pipeline
import TestSupport
import Testing

/// What is said of windows that are not over.
@Suite struct WindowStageTests {
  private static let view = MadeVersion.view
  /// Five- and fifteen-minute windows begin here.
  private static let start = Timestamp("2024-03-01T12:00:00Z")!
  private static let volatility = 0.0005
  private static let window = PredictionTarget.window(lengthMinutes: 5)

  private static func at(_ seconds: Double) -> Timestamp {
    start.adding(microseconds: Int64((seconds * 1e6).rounded()))
  }

  private static func decimal(_ value: Double) -> Decimal8 { Decimal8(units: Int128((value * 1e8).rounded()))! }

  private static func point(
    _ seconds: Double, _ price: Double?, age: Int64? = 200, _ source: PriceForecast.Source = .direct
  ) -> TickPoint {
    let values = [price] + [Double?](repeating: nil, count: TickInputs.names.count - 1)
    return TickPoint(
      inputs: TickInputs(time: at(seconds), values: values, reference: nil), ageMilliseconds: age, source: source)
  }

  /// The newest candle at an instant.
  private static func minute(_ seconds: Double) -> ClosedMinute {
    ClosedMinute(closeTime: Timestamp(minute: at(seconds).minute), volatility: volatility)
  }

  private static func trade(_ seconds: Double, _ price: Double, id: Int64 = 1) -> TickEvent {
    .trade(
      view.price,
      Trade(id: id, time: at(seconds), price: decimal(price), quantity: decimal(1), isTakerBuyer: true))
  }

  private static func candle(_ seconds: Double, open: Double) -> MarketEvent {
    let candle = Candle(
      openTime: at(seconds), open: decimal(open), high: decimal(open + 1), low: decimal(open - 1), close: decimal(open),
      volume: decimal(1))
    let end = candle.closeTime
    return .candle(
      view.price,
      CandleRecord(candle: candle, availableAt: end, knownAt: end, provenance: .live, isAvailabilityAssumed: false))
  }

  /// With all trades since a minute before the window, the first of which is at 60 000.
  private static func stage(_ view: MarketView = Self.view) -> WindowStage {
    var stage = WindowStage(view, TickCadence(), mode: .live)
    stage.take(.tradesBegin(view.price, at: at(-60)))
    stage.take(trade(-5, 59_990))
    stage.take(trade(0.3, 60_000, id: 2))
    return stage
  }

  private static func said(
    _ stage: WindowStage, _ seconds: Double, _ price: Double?,
    _ target: PredictionTarget = .openWindow(lengthMinutes: 5)
  ) -> [Prediction] {
    stage.decide(on: point(seconds, price), minute(seconds)).filter { $0.target == target }
  }

  // MARK: An exchange's prices

  @Test func `both windows are told of at any moment, by the newest price and the time left`() throws {
    let made = Self.stage().decide(on: Self.point(90, 60_010), Self.minute(90))
    #expect(made.map(\.target) == PredictionTarget.openWindows)
    #expect(made.allSatisfy { $0.modelName == .baseline && $0.version == "" && $0.state == "unpromoted" })
    for (prediction, left) in zip(made, [3.5, 13.5]) {
      let z = log(60_010.0 / 60_000) / (Self.volatility * left.squareRoot())
      let probability = 0.5 * (1 + erf(z / 2.0.squareRoot()))
      #expect(abs(try #require(prediction.probabilityUp) - probability) < 1e-12)
      #expect(prediction.confidence == prediction.probabilityUp)
      #expect(prediction.forecast?.current == 60_010 && prediction.forecast?.inputAgeMilliseconds == 200)
      #expect(prediction.time == Self.at(90) && prediction.expiresAt == Self.at(left * 60 + 90))
    }
  }

  @Test func `at a close it is what the closed form of candles says`() throws {
    let stage = Self.stage()
    let state = WindowState(minutesLeft: 3, moveBasisPoints: 1e4 * log(60_025.0 / 60_000))
    let form = try #require(ClosedForm(state, volatility: Self.volatility))
    let probability = try #require(Self.said(stage, 120, 60_025).first?.probabilityUp)
    #expect(abs(probability - form.probability.value) < 1e-12)
  }

  @Test func `the nearer the end, the surer`() throws {
    let stage = Self.stage()
    let said = try stride(from: 1.5, to: 300, by: 1.5).map { seconds in
      try #require(Self.said(stage, seconds, 60_010).first?.probabilityUp)
    }
    #expect(zip(said, said.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(said.first! < 0.6 && said.last! > 0.98)
  }

  @Test func `a window begins at the last price, then at its first trade, and at last at its candle's open`() throws {
    var stage = WindowStage(Self.view, TickCadence(), mode: .live)
    stage.take(.tradesBegin(Self.view.price, at: Self.at(-60)))
    #expect(Self.said(stage, 0, 60_100).first?.probabilityUp == 0.5)
    stage.take(Self.trade(0.9, 60_005, id: 4))
    #expect(Self.said(stage, 1.5, 60_005).first?.probabilityUp == 0.5)
    // An earlier one of them may come later.
    stage.take(Self.trade(0.4, 60_000, id: 3))
    #expect(Self.said(stage, 1.5, 60_000).first?.probabilityUp == 0.5)
    stage.take(Self.candle(0, open: 60_002))
    #expect(Self.said(stage, 61.5, 60_002).first?.probabilityUp == 0.5)
    #expect(try #require(Self.said(stage, 61.5, 60_000).first?.probabilityUp) < 0.5)
  }

  @Test func `a window whose beginning was missed is told of as soon as its first candle is known`() {
    var stage = WindowStage(Self.view, TickCadence(), mode: .live)
    stage.take(.tradesBegin(Self.view.price, at: Self.at(20)))
    stage.take(Self.trade(21, 60_000))
    let silent = Self.said(stage, 30, 60_000)
    #expect(silent.map(\.state) == ["abstain:no_strike"] && silent[0].probabilityUp == nil && !silent[0].reason.isEmpty)
    stage.take(Self.candle(0, open: 60_001))
    #expect(Self.said(stage, 61.5, 60_001).first?.probabilityUp == 0.5)
    var interrupted = Self.stage()
    interrupted.take(.interrupted(Self.view.price))
    #expect(Self.said(interrupted, 90, 60_000).first?.probabilityUp == 0.5, "what is known stays known")
    #expect(Self.said(interrupted, 301.5, 60_000).first?.state == "abstain:no_strike")
  }

  @Test func `a silent stream is told of by requests, and said to be stale without them`() {
    let stage = Self.stage()
    let old = stage.decide(on: Self.point(90, 60_000, age: 5001), Self.minute(90))
    #expect(old.map(\.state) == ["abstain:stale", "abstain:stale"] && old[0].reason.contains("5001 ms old"))
    let none = stage.decide(on: Self.point(90, nil, age: nil), Self.minute(90))
    #expect(none.allSatisfy { $0.state == "abstain:stale" && $0.probabilityUp == nil && $0.confidence == nil })
    let helped = stage.decide(on: Self.point(90, 60_010, .fallback), Self.minute(90))
    #expect(helped.allSatisfy { $0.state == "fallback" && $0.forecast?.source == .fallback })
    #expect(helped[0].probabilityUp == Self.said(stage, 90, 60_010)[0].probabilityUp, "no probability is altered")
    var missed = WindowStage(Self.view, TickCadence(), mode: .live)
    guard case .trade(_, let first) = Self.trade(0.5, 60_000) else { return }
    let snapshot = MarketSnapshot(candles: [], trades: [first], tradesFrom: Self.at(-30))
    missed.take(.snapshot(Self.view.price, snapshot))
    #expect(Self.said(missed, 30, 60_000).first?.probabilityUp == 0.5)
  }

  @Test func `without a volatility of these minutes nothing is said`() {
    let stage = Self.stage()
    func states(_ minute: ClosedMinute?) -> Set<String> {
      Set(stage.decide(on: Self.point(90, 60_000), minute).map(\.state))
    }
    #expect(states(nil) == ["abstain:no_volatility"])
    #expect(states(ClosedMinute(closeTime: Self.at(60), volatility: .nan)) == ["abstain:no_volatility"])
    #expect(states(ClosedMinute(closeTime: Self.at(60), volatility: 0)) == ["abstain:no_volatility"])
    #expect(states(ClosedMinute(closeTime: Self.at(-211), volatility: 0.001)) == ["abstain:no_volatility"])
    #expect(states(ClosedMinute(closeTime: Self.at(-209), volatility: 0.001)) == ["unpromoted"])
  }

  // MARK: A version

  private static func close(
    _ seconds: Double, _ model: ModelName, _ probability: Double?, _ arm: Prediction.Arm = .main
  ) -> Prediction {
    Prediction(
      time: at(seconds), availableAt: at(seconds), view: view, target: window, probabilityUp: probability,
      confidence: nil, modelName: model, version: arm == .main ? "v" : "made-window-5m",
      featureSetHash: "", inputHash: 0, state: probability == nil ? "abstain:short_sequence" : "fresh", reason: "",
      mode: .live, latencyNanoseconds: 0, arm: arm)
  }

  @Test func `what an arm served at the last close is held in its name, and what a shadow said is not`() throws {
    var stage = Self.stage()
    let made = MadeVersion.served(Self.window)
    let main = MadeVersion(
      target: Self.window, name: "main", view: made.view, columns: made.columns, treeCount: 2, depth: 2)
    let folder = try TemporaryFolder()
    stage.serve(Self.window, with: ServedVersion(try main.bundle(in: folder), standing: .production))
    let arm = ServedArm(
      part: 0..<0.5, version: ServedVersion(try made.bundle(in: folder), standing: .unpromoted(reason: "tried")))
    stage.setArms([arm], of: Self.window)

    stage.hold([
      Self.close(60, .ensemble, 0.7), Self.close(60, .baseline, 0.5), Self.close(60, .ensemble, 0.1, .shadow),
      Self.close(60, .baseline, 0.5, .shadow),
    ])
    var said = Self.said(stage, 90, 60_000)
    #expect(said.map(\.version) == ["main", ""] && said.allSatisfy { $0.arm == .main && $0.state == "fresh" })
    #expect(abs(try #require(said[0].probabilityUp) - 0.7) < 1e-9)

    stage.hold([Self.close(120, .ensemble, 0.2, .split), Self.close(120, .baseline, 0.5, .split)])
    said = Self.said(stage, 150, 60_000)
    #expect(said.map(\.version) == ["made-window-5m", ""])
    #expect(said.allSatisfy { $0.arm == .split && $0.state == "unpromoted" && $0.reason.hasPrefix("tried") })
    #expect(abs(try #require(said[0].probabilityUp) - 0.2) < 1e-9)

    stage.hold([Self.close(180, .ensemble, 0.6), Self.close(180, .baseline, 0.5)])
    #expect(Self.said(stage, 210, 60_000).map(\.version) == ["main", ""])
  }

  private static func served(_ standing: ServedVersion.Standing = .production) throws -> ServedVersion {
    ServedVersion(try MadeVersion.served(window).bundle(in: try TemporaryFolder()), standing: standing)
  }

  @Test func `a version's answer keeps the distance that it had to the closed form at the last close`() throws {
    var stage = Self.stage()
    let version = try Self.served(.unpromoted(reason: "too little skill"))
    stage.serve(Self.window, with: version)
    stage.hold([Self.close(60, .ensemble, 0.7), Self.close(60, .a, 0.2), Self.close(60, .baseline, 0.6)])
    let distance = log(0.7 / 0.3) - log(0.6 / 0.4)
    for (seconds, price) in [(61.5, 60_000.0), (90, 60_012), (118.5, 59_970)] {
      let made = Self.said(stage, seconds, price)
      #expect(made.map(\.modelName) == [.ensemble, .baseline])
      #expect(made.allSatisfy { $0.state == "unpromoted" && $0.reason.hasPrefix("too little skill") })
      #expect(made.map(\.version) == ["made-window-5m", ""])
      let (model, form) = (try #require(made[0].probabilityUp), try #require(made[1].probabilityUp))
      #expect(abs(log(model / (1 - model)) - log(form / (1 - form)) - distance) < 1e-9)
      #expect(made[0].confidence == max(model, 1 - model) && made[0].reason.contains("\(Self.at(60))"))
    }
    stage.hold([Self.close(120, .ensemble, 0.4), Self.close(120, .baseline, 0.4)])
    let made = Self.said(stage, 121.5, 60_012)
    #expect(abs(try #require(made[0].probabilityUp) - #require(made[1].probabilityUp)) < 1e-12)
    let other = Self.said(stage, 121.5, 60_012, .openWindow(lengthMinutes: 15))
    #expect(other.map(\.modelName) == [.baseline] && other[0].reason == "no version is registered for window-15m")
  }

  @Test func `without an answer in the window the version says nothing, and the closed form goes on`() throws {
    func silent(_ change: (inout WindowStage) throws -> Void, at seconds: Double = 90) throws -> Bool {
      var stage = Self.stage()
      stage.serve(Self.window, with: try Self.served())
      try change(&stage)
      stage.take(Self.candle(300, open: 60_000))
      let made = Self.said(stage, seconds, 60_012)
      return made.map(\.state) == ["abstain:no_offset", "fresh"] && made.map(\.modelName) == [.ensemble, .baseline]
    }
    let answer = [Self.close(60, .ensemble, 0.7), Self.close(60, .baseline, 0.6)]
    #expect(try silent { _ in })
    #expect(try !silent { $0.hold(answer) })
    #expect(try silent({ $0.hold(answer) }, at: 330), "of the window before")
    #expect(
      try silent { stage in
        stage.hold(answer)
        stage.serve(Self.window, with: try Self.served())
      }, "of the version before")
    #expect(
      try silent { stage in
        stage.hold(answer)
        stage.hold([Self.close(120, .ensemble, nil), Self.close(120, .baseline, 0.6)])
      }, "it abstained at the last close")
    var withdrawn = Self.stage()
    withdrawn.serve(Self.window, with: try Self.served())
    withdrawn.serve(Self.window, with: nil)
    #expect(Self.said(withdrawn, 90, 60_000).map(\.modelName) == [.baseline])
  }

  @Test func `what a version does not say of a silent market is its abstention`() throws {
    var stage = Self.stage()
    stage.serve(Self.window, with: try Self.served())
    let made = stage.decide(on: Self.point(90, 60_000, age: 60_000), Self.minute(90))
      .filter { $0.target == .openWindow(lengthMinutes: 5) }
    #expect(made.map(\.modelName) == [.ensemble, .baseline] && made.map(\.version) == ["made-window-5m", ""])
    #expect(made.allSatisfy { $0.state == "abstain:stale" })
  }

  @Test func `its inputs have a hash that changes with any of them`() {
    let stage = Self.stage()
    func hash(_ seconds: Double, _ price: Double, _ volatility: Double = Self.volatility) -> UInt64 {
      let minute = ClosedMinute(closeTime: Self.at(60), volatility: volatility)
      return stage.decide(on: Self.point(seconds, price), minute)[0].inputHash
    }
    #expect(hash(90, 60_000) == hash(90, 60_000))
    #expect(Set([hash(90, 60_000), hash(91.5, 60_000), hash(90, 60_001), hash(90, 60_000, 0.0006)]).count == 4)
  }
}
