import Market
import Storage
import TestSupport
import Testing

struct PredictionLogTests {
  private let places = StorePlaces()

  @Test(arguments: StoreKind.allCases)
  func `predictions come back as they were`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let predictions = Self.predictions(5000)
    #expect(try store.insert(predictions) == 5000)
    #expect(try store.predictions() == predictions)
  }

  @Test(arguments: StoreKind.allCases)
  func `a repeated replay adds nothing`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let predictions = Self.predictions(3000)
    #expect(try store.insert(Array(predictions[..<2000])) == 2000)
    let added = try store.insert(predictions)
    #expect(added == 1000)
    #expect(try store.insert(predictions + predictions) == 0)
    #expect(try store.insert([]) == 0)
    #expect(try store.predictions() == predictions)
  }

  @Test(arguments: StoreKind.allCases)
  func `repetitions within one insert count once and the first one stays`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var second = Self.predictions(1)[0]
    second.latencyNanoseconds = 99
    #expect(try store.insert(Self.predictions(1) + [second]) == 1)
    #expect(try store.predictions() == Self.predictions(1))
  }

  @Test(arguments: StoreKind.allCases)
  func `each part of the key tells predictions apart`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let one = Self.predictions(1)[0]
    var others = Array(repeating: one, count: 6)
    others[0].time = one.time.adding(minutes: 1)
    others[1].view = MarketView("chainlink:BTC/USD+binance:BTCUSDT")!
    others[2].target = .window(lengthMinutes: 60)
    others[3].modelName = .baseline
    others[4].version = ""
    others[5].mode = .live
    #expect(try store.insert([one] + others) == 7)
    #expect(try store.predictions(PredictionFilter(view: others[1].view)) == [others[1]])
    #expect(try store.predictions(PredictionFilter(target: others[2].target)) == [others[2]])
    #expect(try store.predictions(PredictionFilter(model: .baseline)) == [others[3]])
    #expect(try store.predictions(PredictionFilter(version: "")) == [others[4]])
    #expect(try store.predictions(PredictionFilter(mode: .live)) == [others[5]])
    #expect(try store.predictions(PredictionFilter(range: others[0].time..<Timestamp.distantFuture)) == [others[0]])
  }

  @Test(arguments: StoreKind.allCases)
  func `each names its arm, and can be asked for by it`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let predictions = Self.predictions(30).enumerated().map { place, prediction in
      var prediction = prediction
      prediction.arm = Prediction.Arm.allCases[place % 3]
      return prediction
    }
    #expect(try store.insert(Array(predictions[..<20])) == 20)
    var batch = LiveBatch(knownAt: .start)
    batch.predictions = Array(predictions[20...])
    try store.commit(batch)
    #expect(try store.predictions() == predictions)
    #expect(try store.predictions(PredictionFilter(arms: [.shadow])) == predictions.filter { $0.arm == .shadow })
    #expect(try store.predictions(PredictionFilter(mode: .replay, arms: Prediction.Arm.served)).count == 20)
    #expect(try store.predictions(PredictionFilter(arms: Set(Prediction.Arm.allCases))).count == 30)
    #expect(try store.predictions(PredictionFilter(arms: [])).isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func `text that looks like a statement is only text`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var prediction = Self.predictions(1)[0]
    prediction.reason = "'); DROP TABLE predictions; --"
    prediction.version = "it's \"quoted\" and longer than twelve bytes, ümlaut"
    #expect(try store.insert([prediction]) == 1)
    #expect(try store.predictions(PredictionFilter(version: prediction.version)) == [prediction])
  }

  @Test(arguments: StoreKind.allCases)
  func `openings of a period are counted`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let view = MarketView(price: .bitcoin)
    let period = Timestamp.start..<Timestamp.start.adding(minutes: 1440)
    let opening = EvaluationOpening(
      view: view, target: .direction(horizonMinutes: 15), version: "v1", period: period)
    #expect(try store.openEvaluation(opening, at: .start) == 1)
    #expect(try store.openEvaluation(opening, at: .start) == 2)
    let other = EvaluationOpening(view: view, target: .direction(horizonMinutes: 15), version: "v2", period: period)
    #expect(try store.openEvaluation(other, at: .start) == 1)
  }

  @Test(arguments: StoreKind.allCases)
  func `small values are kept by name`(kind: StoreKind) throws {
    let store = try places.open(kind)
    #expect(try store.meta("cursor") == nil)
    try store.setMeta("cursor", "1")
    try store.setMeta("cursor", "2 and a little more text")
    #expect(try store.meta("cursor") == "2 and a little more text")
    try store.setMeta("cursor", nil)
    #expect(try store.meta("cursor") == nil)
  }

  @Test(arguments: StoreKind.allCases)
  func `a training is recorded once`(kind: StoreKind) throws {
    let store = try places.open(kind)
    #expect(try store.trainedVersions().isEmpty)
    let training = TrainingRecord(
      trainedAt: .start, view: MarketView(price: .bitcoin), target: .window(lengthMinutes: 15), version: "v1",
      modelName: .a, trainedOn: .start..<Timestamp.start.adding(minutes: 60), rows: 60, logLoss: 0.69, auc: nil,
      accuracy: 0.5, verdict: "refused")
    var other = training
    other.modelName = .b
    for one in [training, training, other, other] { try store.recordTraining(one) }
    #expect(try store.trainedVersions() == ["v1"])
    let table = try #require(try store.snapshot().tables().first { $0.name == "training_metadata" })
    #expect(try store.snapshot().rows(of: table) == 2)
  }

  static func predictions(_ count: Int) -> [Prediction] {
    var random = SplitMix64(seed: 3)
    return (0..<count).map { index in
      let abstains = index % 7 == 3
      return Prediction(
        time: Timestamp.start.adding(minutes: index), availableAt: Timestamp.start.adding(minutes: index + 1),
        view: MarketView(price: .bitcoin), target: .direction(horizonMinutes: 15),
        probabilityUp: abstains ? nil : Double.random(in: 0...1, using: &random),
        changePercent: index % 5 == 0 ? Double.random(in: -1...1, using: &random) : nil,
        confidence: abstains ? nil : Double.random(in: 0...1, using: &random), modelName: .ensemble,
        version: "2024-03-01-direction-15m", featureSetHash: "0123456789abcdef", inputHash: random.next(),
        state: abstains ? "abstain:stale" : "fresh", reason: "", mode: .replay,
        latencyNanoseconds: Int64.random(in: 0...100_000, using: &random),
        forecast: index % 3 == 0 ? nil : forecast(index, &random))
    }
  }

  private static func forecast(_ index: Int, _ random: inout SplitMix64) -> PriceForecast {
    guard index % 4 != 0 else { return PriceForecast(source: .fallback) }
    return PriceForecast(
      current: .random(in: 1...1e5, using: &random), predicted: .random(in: 1...1e5, using: &random), low: 0.5,
      high: 2e5, inputAgeMilliseconds: Int64(index), source: index % 4 == 1 ? .direct : .redis)
  }
}
