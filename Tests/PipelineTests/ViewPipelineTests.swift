import CAllocationCounter
import Features
import Market
import Models
import Pipeline
import TestSupport
import Testing

/// The pipeline over prices of one series and volumes of another.
struct ViewPipelineTests {
  private static let targets: [PredictionTarget] = [.direction(horizonMinutes: 15), .window(lengthMinutes: 60)]
  private static let oracle = Series(.chainlink, Symbol("BTC/USD")!)
  private static let exchange = Series(.binance, .btcusdt)
  private static let view = MarketView(price: oracle, volume: exchange)
  private static let walk = RandomWalk()(seed: 1, count: 420)

  private static let bundles = Result {
    let folder = try TemporaryFolder()
    return try Dictionary(
      uniqueKeysWithValues: targets.map { ($0, try MadeVersion.served($0, view).bundle(in: folder)) })
  }

  private func served(mode: Prediction.Mode = .replay) throws -> PredictionPipeline {
    var pipeline = PredictionPipeline(view: Self.view, mode: mode)
    for target in Self.targets {
      pipeline.serve(
        target, with: ServedVersion(try #require(try Self.bundles.get()[target]), standing: .production))
    }
    return pipeline
  }

  private static func prices(_ candle: Candle, after microseconds: Int64 = 2_000_000) -> MarketEvent {
    .candle(oracle, CandleRecord(candle.pricesOnly, lateAt: candle.closeTime.adding(microseconds: microseconds)))
  }

  private static func volumes(_ candle: Candle, after microseconds: Int64 = 1_000_000) -> MarketEvent {
    .candle(exchange, CandleRecord(candle, lateAt: candle.closeTime.adding(microseconds: microseconds)))
  }

  private func step(_ events: some Sequence<MarketEvent>, _ pipeline: inout PredictionPipeline) -> [Prediction] {
    var kept = Kept()
    for event in events { _ = pipeline.step(event, into: &kept) }
    return kept.predictions
  }

  /// Both candles of each minute in order, volumes a second before prices.
  private static func both(_ candles: some Sequence<Candle>) -> [MarketEvent] {
    candles.flatMap { [volumes($0), prices($0)] }
  }

  @Test func `every prediction names the view and its feature set`() throws {
    var pipeline = try served()
    let predictions = step(Self.both(Self.walk), &pipeline)
    #expect(predictions.count > 1000)
    for prediction in predictions {
      #expect(prediction.view == Self.view && prediction.featureSetHash == FeatureSet.oracle.hash.description)
    }
    #expect(Set(predictions.suffix(12).map(\.modelName)) == Set(ModelName.ofCandles))
    let vector = pipeline.vector
    #expect(vector.count == FeatureSet.oracle.count)
  }

  @Test func `the vector is the kernel's of prices and base volumes`() throws {
    var pipeline = try served()
    _ = step(Self.both(Self.walk), &pipeline)
    var engine = FeatureEngine()
    for candle in Self.walk { engine.update(FeatureInput(prices: candle, volumes: candle)) }
    let expected = engine.values(.oracle).map { Float($0).bitPattern }
    let vector = pipeline.vector.map(\.bitPattern)
    #expect(vector == expected)
  }

  @Test func `prices and quote amounts of the volume series change no bit`() throws {
    var one = try served()
    var other = try served()
    let expected = step(Self.both(Self.walk), &one)
    let changed = Self.walk.flatMap { candle in
      var unread = candle.raised(cents: 77_777)
      (unread.quoteVolume, unread.takerBuyQuote) = (nil, Decimal8("1"))
      return [Self.volumes(unread), Self.prices(candle)]
    }
    let found = step(changed, &other)
    #expect(found == expected)
  }

  @Test func `a decision waits for its volumes, and says when it had them`() throws {
    var pipeline = try served()
    _ = step(Self.both(Self.walk[..<400]), &pipeline)
    var kept = Kept()
    let candle = Self.walk[400]
    let alone = pipeline.step(Self.prices(candle), into: &kept)
    #expect(alone == .waiting)
    #expect(kept.predictions.isEmpty)
    let whole = pipeline.step(Self.volumes(candle, after: 3_000_000), into: &kept)
    #expect(whole == .folded)
    let late = kept.predictions
    var prompt = try served()
    _ = step(Self.both(Self.walk[..<400]), &prompt)
    var expected = step(Self.both([candle]), &prompt)
    for index in expected.indices { expected[index].availableAt = candle.closeTime.adding(microseconds: 3_000_000) }
    #expect(late == expected)
  }

  @Test func `the end of the grace changes nothing but the moment at which it is said`() throws {
    let events = Self.both(Self.walk[..<400]) + [Self.prices(Self.walk[400])]
    let next = Self.both([Self.walk[401]])
    var told = try served()
    var untold = try served()
    _ = step(events, &told)
    _ = step(events, &untold)
    let end = Self.walk[400].closeTime.adding(microseconds: 2_000_000 + CandleJoin.graceMicroseconds)
    told.advance(to: end.adding(microseconds: 1))
    var kept = Kept()
    let ended = told.next(into: &kept)
    #expect(ended == .folded)
    #expect(!kept.predictions.isEmpty && kept.predictions.allSatisfy { $0.availableAt == end })
    let toldLater = kept.predictions + step(next, &told)
    let untoldLater = step(next, &untold)
    #expect(untoldLater == toldLater)
    let column = try #require(FeatureSet.oracle.index(of: "taker_imbalance_60"))
    let vector = told.vector
    #expect(vector[column].isNaN)
  }

  /// Candles, and what a live reader gets of them: late prices, late volumes, corrected volumes.
  private static func disorder(seed: UInt64) -> (truth: [Candle], events: [MarketEvent]) {
    var random = SplitMix64(seed: seed)
    let truth = RandomWalk()(seed: seed, count: 400)
    var events: [MarketEvent] = []
    for candle in truth {
      let isLate = Int.random(in: 0..<25, using: &random) == 0
      events.append(prices(candle, after: isLate ? .random(in: 0...3_600_000_000, using: &random) : 2_000_000))
      let delay: Int64 =
        switch Int.random(in: 0..<20, using: &random) {
        case 0: .random(in: 5_000_000...3_600_000_000, using: &random)
        case 1: .random(in: 0...10_000_000, using: &random)
        default: 1_000_000
        }
      events.append(volumes(candle, after: delay))
      if Int.random(in: 0..<30, using: &random) == 0 {
        let wrong = RandomWalk()(seed: seed + 100, count: 400)[Int.random(in: 0..<400, using: &random)]
        var other = candle
        (other.volume, other.trades, other.takerBuyBase) = (wrong.volume, wrong.trades, wrong.takerBuyBase)
        events.append(volumes(other, after: 500_000))
      }
    }
    return (truth, events.sorted { $0.precedes($1) })
  }

  private func decisions() throws -> DecisionStage {
    var decisions = DecisionStage(view: Self.view, mode: .live)
    for target in Self.targets {
      decisions.serve(
        target, with: ServedVersion(try #require(try Self.bundles.get()[target]), standing: .production))
    }
    return decisions
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `two stages that hand updates on decide as the whole does`(seed: UInt64) throws {
    var pipeline = try served(mode: .live)
    var stage = FeatureStage(Self.view)
    var decisions = try decisions()
    let events = Self.disorder(seed: seed).events
    var kept = Kept()
    for event in events where stage.take(event) {
      while let update = stage.nextUpdate() {
        let isTaken = decisions.step(update, into: &kept)
        #expect(isTaken)
      }
    }
    #expect(kept.predictions == step(events, &pipeline) && kept.predictions.count > 100)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `a first stage that begins anew and repeats itself changes no decision`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var pipeline = try served(mode: .live)
    var decisions = try decisions()
    let events = Self.disorder(seed: seed).events
    var kept = Kept()
    var from = 0
    while from < events.count {
      var stage = FeatureStage(Self.view)
      for event in events[..<from] { _ = stage.fold(event) }
      let end = min(events.count, from + Int.random(in: 40...200, using: &random))
      for event in events[from..<end] where stage.take(event) {
        while let update = stage.nextUpdate() {
          // As the second process does with a minute that comes again.
          if case .next(let point, _, _) = update, let newest = decisions.newestOpenTime,
            point.candle.openTime <= newest
          {
            continue
          }
          let isTaken = decisions.step(update, into: &kept)
          #expect(isTaken)
        }
      }
      from = end == events.count ? end : end - Int.random(in: 0..<40, using: &random)
    }
    #expect(kept.predictions == step(events, &pipeline) && kept.predictions.count > 100)
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `late prices and volumes give the state of those that came in order`(seed: UInt64) throws {
    let (truth, sorted) = Self.disorder(seed: seed)
    var amended = try served()
    var again = try served()
    var fresh = try served()
    let predictions = step(sorted, &amended)
    // A clock that ticks between the events changes nothing.
    var kept = Kept()
    for event in sorted {
      again.advance(to: event.availableAt.adding(microseconds: -1))
      while again.next(into: &kept) != nil {}
      _ = again.step(event, into: &kept)
    }
    #expect(kept.predictions == predictions)
    amended.advance(to: .distantFuture)
    while amended.next(into: &kept) != nil {}
    _ = step(Self.both(truth), &fresh)
    let expected = PipelineState(fresh, Self.targets)
    let state = PipelineState(amended, Self.targets)
    #expect(state == expected)
  }

  @Test func `volumes from before everything kept need a rebuild, which leaves what waits waiting`() throws {
    let walk = RandomWalk()(seed: 3, count: 3400)
    var pipeline = try served()
    var events = Self.both(walk[..<3300])
    events.remove(at: 20)
    for event in events { _ = pipeline.fold(event) }
    var kept = Kept()
    let held = pipeline.step(Self.prices(walk[3300]), into: &kept)
    #expect(held == .waiting)
    let late = MarketEvent.candle(
      Self.exchange, CandleRecord(walk[10], lateAt: walk[3300].closeTime.adding(microseconds: 2_500_000)))
    let old = pipeline.step(late, into: &kept)
    #expect(old == .needsRebuild(from: walk[10].openTime))
    pipeline.beginRebuild()
    for piece in [0..<1000, 1000..<1001, 1001..<3301] {
      pipeline.rebuild(
        with: JoinedCandles(prices: Array(walk[piece]), volumes: Array(walk[piece.clamped(to: 0..<3300)])))
    }
    pipeline.endRebuild()
    let newest = pipeline.newestOpenTime
    #expect(newest == walk[3299].openTime && kept.predictions.isEmpty)
    let found = step([Self.volumes(walk[3300], after: 3_000_000)] + Self.both(walk[3301...]), &pipeline)
    var fresh = try served()
    for event in Self.both(walk[..<3300]) { _ = fresh.fold(event) }
    let expected = step(
      [Self.prices(walk[3300]), Self.volumes(walk[3300], after: 3_000_000)] + Self.both(walk[3301...]), &fresh)
    #expect(found == expected && found.count > 1000)
  }

  @Test func `before the first decision nothing is predicted, and later nothing is other`() throws {
    var whole = try served()
    var late = try served()
    let all = step(Self.both(Self.walk), &whole)
    late.firstDecision = Self.walk[380].closeTime
    let found = step(Self.both(Self.walk), &late)
    #expect(found == all.filter { $0.time >= Self.walk[380].closeTime } && found.count < all.count)
  }

  #if !DEBUG
  @Test(.enabled(if: allocation_count() >= 0, "a sanitizer owns the allocator"))
  func `joining allocates nothing where nothing grows`() throws {
    struct Counted: PipelineSink {
      var count = 0
      mutating func receive(_ prediction: Prediction) { count += 1 }
    }
    var pipeline = try served()
    let events = Self.both(Self.walk)
    // The minutes kept grow like any dictionary; at 420 the next growth is far away.
    for event in events[..<780] { _ = pipeline.fold(event) }
    var sink = Counted()
    // The first decision makes room for what it writes.
    for event in events[780..<782] { _ = pipeline.step(event, into: &sink) }
    sink.count = 0
    let before = allocation_count()
    for event in events[782..<838] { _ = pipeline.step(event, into: &sink) }
    #expect(allocation_count() - before == 0)
    #expect(sink.count > 200)
  }
  #endif
}
