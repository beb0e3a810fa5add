import CAllocationCounter
import Features
import Market
import Models
import Pipeline
import TestSupport
import Testing

struct PredictionPipelineTests {
  private static let targets: [PredictionTarget] = [
    .direction(horizonMinutes: 15), .window(lengthMinutes: 60), .change(horizonMinutes: 30),
  ]
  private static let walk = RandomWalk()(seed: 1, count: 420).map(CandleRecord.init(archived:))

  private static let bundles = Result {
    let folder = try TemporaryFolder()
    let all = targets + PredictionTarget.windowLengthsMinutes.map { .window(lengthMinutes: $0) }
    return Dictionary(
      try Set(all).map { ($0, try MadeVersion.served($0).bundle(in: folder)) }, uniquingKeysWith: { first, _ in first })
  }

  private func bundle(_ target: PredictionTarget) throws -> ModelBundle {
    try #require(try Self.bundles.get()[target])
  }

  private func served(_ targets: [PredictionTarget] = targets) throws -> PredictionPipeline {
    var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .replay)
    for target in targets {
      pipeline.serve(
        target, with: ServedVersion(try bundle(target), standing: .production)
      )
    }
    return pipeline
  }

  private func step(_ records: some Sequence<CandleRecord>, _ pipeline: inout PredictionPipeline) -> [Prediction] {
    var kept = Kept()
    for record in records { _ = pipeline.step(MarketEvent(record), into: &kept) }
    return kept.predictions
  }

  private func fold(_ records: some Sequence<CandleRecord>, _ pipeline: inout PredictionPipeline) {
    for record in records { _ = pipeline.fold(MarketEvent(record)) }
  }

  @Test func `the same events twice give the same predictions`() throws {
    var first = try served()
    var second = try served()
    let predictions = step(Self.walk[..<330], &first)
    #expect(predictions.count > 400)
    let again = step(Self.walk[..<330], &second)
    #expect(again == predictions)
    second.restart()
    let restarted = step(Self.walk[..<330], &second)
    #expect(restarted == predictions)
  }

  @Test func `history folded without deciding changes no later prediction`() throws {
    var stepped = try served()
    var folded = try served()
    let all = step(Self.walk[..<340], &stepped)
    fold(Self.walk[..<320], &folded)
    let later = step(Self.walk[320..<340], &folded)
    #expect(later.count > 200)
    #expect(later == Array(all.suffix(later.count)))
  }

  @Test func `a version that comes in the middle answers as if it had been there`() throws {
    var early = try served()
    var late = try served([])
    fold(Self.walk[..<390], &early)
    fold(Self.walk[..<390], &late)
    for target in Self.targets {
      late.serve(target, with: early.bundle(of: target).map { ServedVersion($0, standing: .production) })
    }
    let expected = step(Self.walk[390...], &early)
    let found = step(Self.walk[390...], &late)
    #expect(found == expected)
  }

  @Test(arguments: 0..<5 as Range<UInt64>)
  func `late candles and revisions give the state of candles that came in order`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let truth = RandomWalk()(seed: seed, count: 420).map(CandleRecord.init(archived:))
    var amended = try served()
    var fresh = try served()
    var waiting: [CandleRecord] = []
    for (index, record) in truth[..<410].enumerated() {
      let candle = record.candle
      let patch = CandleRecord(candle, lateAt: candle.closeTime.adding(minutes: .random(in: 1...150, using: &random)))
      switch Int.random(in: 0..<25, using: &random) {
      case 0 where index > 0: waiting.append(patch)
      case 1:
        fold([CandleRecord(archived: candle.raised(cents: 700))], &amended)
        waiting.append(patch)
      default: fold([record], &amended)
      }
      let due = waiting.filter { $0.availableAt <= record.availableAt || index == 409 }
      waiting.removeAll { due.contains($0) }
      for var patch in due.shuffled(using: &random) {
        patch.availableAt = min(patch.availableAt, record.availableAt)
        expectNoPrediction(amended: patch, &amended)
      }
    }
    fold(truth[..<410], &fresh)
    let expected = PipelineState(fresh, Self.targets)
    let state = PipelineState(amended, Self.targets)
    #expect(state == expected)
    let rest = Array(truth[410...])
    let predictions = step(rest, &fresh)
    let amendedPredictions = step(rest, &amended)
    #expect(amendedPredictions == predictions)
    #expect(predictions.contains { $0.modelName == .c })
  }

  private func expectNoPrediction(amended record: CandleRecord, _ pipeline: inout PredictionPipeline) {
    var kept = Kept()
    guard case .amended = pipeline.step(MarketEvent(record), into: &kept) else {
      // The newest minute itself was late.
      #expect(kept.predictions.allSatisfy { $0.time == record.candle.closeTime })
      return
    }
    #expect(kept.predictions.isEmpty)
  }

  @Test func `a change from before everything kept asks for a rebuild and changes nothing`() throws {
    let records = RandomWalk()(seed: 3, count: 3300).map(CandleRecord.init(archived:))
    var pipeline = try served([])
    fold(records, &pipeline)
    let before = PipelineState(pipeline, [])
    let revision = CandleRecord(records[10].candle.raised(cents: 1), lateAt: records[3299].availableAt)
    let effect = pipeline.fold(MarketEvent(revision))
    #expect(effect == .needsRebuild(from: revision.candle.openTime))
    let after = PipelineState(pipeline, [])
    #expect(after == before)
  }

  @Test func `another series is not read`() throws {
    var alone = try served()
    var beside = try served()
    let ether = Series(.binance, try #require(Symbol("ETHUSDT")))
    fold(Self.walk[..<380], &alone)
    var kept = Kept()
    for record in Self.walk[..<380] {
      _ = beside.fold(MarketEvent(record))
      let effect = beside.step(.candle(ether, record), into: &kept)
      #expect(effect == .ignored)
    }
    #expect(kept.predictions.isEmpty)
    let expected = step(Self.walk[380...], &alone)
    let found = step(Self.walk[380...], &beside)
    #expect(found == expected)
  }

  @Test func `until it is warm a pipeline abstains`() throws {
    var pipeline = try served()
    let predictions = step(Self.walk[..<302], &pipeline).filter { $0.target == Self.targets[0] }
    let cold = predictions.prefix { $0.state == "abstain:warm_up" }
    #expect(cold.count == FeatureEngine.warmUpCandles - 1)
    #expect(cold.allSatisfy { $0.modelName == .ensemble && $0.probabilityUp == nil && $0.confidence == nil })
    #expect(predictions.dropFirst(cold.count).allSatisfy { $0.state == "fresh" && $0.probabilityUp != nil })
  }

  @Test func `a long hole begins the warm-up anew`() throws {
    var pipeline = try served([.direction(horizonMinutes: 15)])
    let hole = Self.walk[350].candle.openTime
    let predictions = step(
      Self.walk.filter { $0.candle.openTime < hole || $0.candle.openTime >= hole.adding(minutes: 7) }, &pipeline)
    #expect(predictions.filter { $0.time > hole }.allSatisfy { $0.state == "abstain:warm_up" })
    #expect(predictions.contains { $0.state == "fresh" })
  }

  @Test func `after a short hole the models without a sequence answer and the ensemble abstains`() throws {
    var pipeline = try served([.direction(horizonMinutes: 15)])
    fold(Self.walk[..<400].filter { $0 != Self.walk[380] }, &pipeline)
    let predictions = step([Self.walk[400]], &pipeline)
    #expect(predictions.map(\.modelName) == [.ensemble, .a, .mlp, .baseline])
    #expect(predictions[0].state == "abstain:short_sequence")
    #expect(predictions.dropFirst().allSatisfy { $0.state == "fresh" && $0.probabilityUp != nil })
  }

  @Test func `a window without one of its minutes is abstained from until it is over`() throws {
    let target = PredictionTarget.window(lengthMinutes: 5)
    var pipeline = try served([target])
    // The walk begins on an hour, so minute 391 is the second of its window.
    let predictions = step(Self.walk.filter { $0 != Self.walk[391] }, &pipeline)
    func state(_ minute: Int) -> [String] {
      predictions.filter { $0.time == Self.walk[minute].candle.closeTime && $0.modelName == .ensemble }.map(\.state)
    }
    #expect(state(392) == ["abstain:window_incomplete"])
    #expect(state(393) == ["abstain:window_incomplete"])
    #expect(state(394) == [])
    #expect(state(395) == ["abstain:short_sequence"])
  }

  @Test(arguments: PredictionTarget.windowLengthsMinutes)
  func `the last minute of a window is not decided on`(length: Int) throws {
    let target = PredictionTarget.window(lengthMinutes: length)
    var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .replay)
    pipeline.serve(target, with: nil)
    let times = Set(step(Self.walk, &pipeline).map(\.time))
    for record in Self.walk {
      #expect(times.contains(record.candle.closeTime) == !record.candle.closeTime.minute.isMultiple(of: Int64(length)))
    }
  }

  @Test func `a production version answers with all its models`() throws {
    var pipeline = try served()
    fold(Self.walk[..<401], &pipeline)
    let predictions = step([Self.walk[401]], &pipeline)
    for target in Self.targets {
      let mine = predictions.filter { $0.target == target }
      #expect(mine.map(\.modelName) == ModelName.ofCandles)
      for prediction in mine {
        #expect(prediction.state == "fresh" && prediction.reason == "" && prediction.version == "made-\(target)")
        #expect(prediction.time == Self.walk[401].candle.closeTime)
        #expect(prediction.availableAt == Self.walk[401].availableAt)
        #expect(prediction.featureSetHash == FeatureSet.candles.hash.description && prediction.mode == .replay)
        #expect((prediction.probabilityUp == nil) == !target.isBinary)
        #expect((prediction.changePercent == nil) == target.isBinary)
        #expect(prediction.confidence == prediction.probabilityUp.map { max($0, 1 - $0) })
      }
    }
  }

  @Test func `answers are those of the version fed by hand`() throws {
    let target = PredictionTarget.window(lengthMinutes: 60)
    var bundle = try bundle(target)
    var pipeline = try served([target])
    var engine = FeatureEngine()
    var tracker = WindowTracker(lengthMinutes: 60)
    var vector = [Float](repeating: 0, count: FeatureSet.candles.count)
    for record in Self.walk[..<402] {
      engine.update(FeatureInput(record.candle))
      tracker.update(FeatureInput(record.candle))
      var span = vector.mutableSpan
      engine.write(into: &span)
      bundle.observe(vector, closeTime: record.candle.closeTime)
    }
    let window = WindowState(
      minutesLeft: try #require(tracker.minutesLeft), moveBasisPoints: try #require(tracker.moveBasisPoints))
    let answers = bundle.predict(vector, window: window)
    fold(Self.walk[..<401], &pipeline)
    for prediction in step([Self.walk[401]], &pipeline) {
      #expect(prediction.probabilityUp == answers[prediction.modelName]?.value)
    }
  }

  @Test func `a version that did not earn its place says why it serves`() throws {
    let target = PredictionTarget.direction(horizonMinutes: 15)
    var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .live)
    let bundle = try bundle(target)
    pipeline.serve(target, with: ServedVersion(bundle, standing: .unpromoted(reason: "refused: no skill")))
    fold(Self.walk[..<400], &pipeline)
    let predictions = step([Self.walk[400]], &pipeline)
    #expect(predictions.count == ModelName.ofCandles.count)
    #expect(predictions.allSatisfy { $0.state == "unpromoted" && $0.reason == "refused: no skill" && $0.mode == .live })
  }

  @Test func `without a version the baseline answers from the price alone`() throws {
    var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .predict)
    for target in Self.targets { pipeline.serve(target, with: nil) }
    fold(Self.walk[..<401], &pipeline)
    let predictions = step([Self.walk[401]], &pipeline)
    #expect(predictions.map(\.target) == Self.targets)
    #expect(predictions.allSatisfy { $0.modelName == .baseline && $0.state == "unpromoted" && $0.version == "" })
    #expect(predictions[0].probabilityUp == 0.5)
    #expect(predictions[2].changePercent == 0)
    let column = try #require(FeatureSet.candles.index(of: "volatility_30"))
    let volatility = Double(pipeline.vector[column])
    for (target, prediction) in zip(Self.targets, predictions) where target.isWindow {
      let state = pipeline.windowState(of: target)
      let window = try #require(state)
      let form = try #require(ClosedForm(window, volatility: volatility))
      #expect(prediction.probabilityUp == form.probability.value)
    }
  }

  @Test func `a version can be withdrawn`() throws {
    let target = PredictionTarget.direction(horizonMinutes: 15)
    var pipeline = try served([target])
    fold(Self.walk[..<400], &pipeline)
    pipeline.serve(target, with: nil)
    let predictions = step([Self.walk[400]], &pipeline)
    #expect(predictions.map(\.modelName) == [.baseline])
  }

  #if !DEBUG
  @Test(.enabled(if: allocation_count() >= 0, "a sanitizer owns the allocator"))
  func `a decision allocates only where an hour's checkpoint is kept`() throws {
    struct Counted: PipelineSink {
      var count = 0
      mutating func receive(_ prediction: Prediction) { count += 1 }
    }
    var pipeline = try served()
    fold(Self.walk[..<390], &pipeline)
    var sink = Counted()
    _ = pipeline.step(MarketEvent(Self.walk[390]), into: &sink)
    sink.count = 0
    let before = allocation_count()
    for index in 391..<420 { _ = pipeline.step(MarketEvent(Self.walk[index]), into: &sink) }
    #expect(allocation_count() - before == 0)
    #expect(sink.count > 400)
  }
  #endif
}
