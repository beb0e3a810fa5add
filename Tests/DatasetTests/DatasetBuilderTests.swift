import Dataset
import Features
import Market
import TestSupport
import Testing

struct DatasetBuilderTests {
  private let folder: TemporaryFolder
  private static let whole = Timestamp.distantPast..<Timestamp.distantFuture

  init() throws { folder = try TemporaryFolder() }

  private func build(
    _ records: some Collection<CandleRecord>, rows range: Range<Timestamp> = whole, name: String = "d"
  ) throws -> Dataset {
    let set = FeatureSet.candles
    let view = MarketView(price: Series(.binance, .btcusdt))
    let header = DatasetHeader(
      view: view, anchor: Timestamp(minute: RandomWalk.firstMinute),
      from: range.lowerBound, to: range.upperBound, asOf: nil, featureNames: set.names,
      featureSetHash: set.hash.description, isSynthetic: false)
    var builder = DatasetBuilder(view, header: header, expectedCandles: records.count)
    for record in records { builder.take(.candle(view.price, record)) }
    _ = try builder.write(to: folder.path + "/" + name)
    return try Dataset(path: folder.path + "/" + name)
  }

  private func walk(_ count: Int) -> [CandleRecord] {
    RandomWalk()(seed: 1, count: count).map(CandleRecord.init(archived:))
  }

  /// Bits of the vectors that a plain fold gives, by open time.
  private func vectors(_ records: some Sequence<CandleRecord>) -> [Timestamp: [UInt32]] {
    var engine = FeatureEngine()
    var vector = [Float](repeating: 0, count: FeatureSet.candles.count)
    var result: [Timestamp: [UInt32]] = [:]
    for record in records {
      engine.update(FeatureInput(record.candle))
      var span = vector.mutableSpan
      engine.write(into: &span)
      result[record.candle.openTime] = vector.map(\.bitPattern)
    }
    return result
  }

  @Test func `rows are the vectors of a plain fold`() throws {
    var records = walk(400)
    records.removeSubrange(200..<210)
    records.remove(at: 100)
    let dataset = try build(records)
    let expected = vectors(records)
    #expect(dataset.rowCount == records.count)
    var engine = FeatureEngine()
    for (row, record) in records.enumerated() {
      engine.update(FeatureInput(record.candle))
      #expect(dataset.vector(row) == expected[record.candle.openTime])
      #expect(dataset.decisionTime(row) == record.candle.closeTime)
      #expect(dataset.availableAtMicroseconds[row] == record.availableAt.microseconds)
      #expect(dataset.opens[row] == record.candle.open.doubleValue)
      #expect(dataset.closes[row] == record.candle.close.doubleValue)
      #expect(Int(dataset.candlesSinceRestart[row]) == engine.candlesSinceRestart)
    }
    #expect(dataset.nearAmendment.allSatisfy { $0 == 0 })
    #expect(dataset.finalCloses == records.map(\.candle.close.doubleValue))
    #expect(Array(dataset.minuteOpenTimesMicroseconds) == records.map(\.candle.openTime.microseconds))
  }

  @Test(arguments: [0, 300]) func `late truth changes rows after its arrival and makes none`(cents: Int) throws {
    let truth = walk(420)
    let patch = CandleRecord(
      truth[300].candle, lateAt: truth[330].candle.closeTime.adding(microseconds: 3_000_000))
    // Absent at first, or wrong at first.
    let asSeen: [CandleRecord] =
      cents == 0
      ? truth.filter { $0 != truth[300] }
      : truth.map { $0 == truth[300] ? CandleRecord(archived: $0.candle.raised(cents: cents)) : $0 }
    let arrival = asSeen.firstIndex(of: truth[331])!
    let dataset = try build(asSeen[..<arrival] + [patch] + asSeen[arrival...])
    #expect(dataset.rowCount == asSeen.count)
    let (before, after) = (vectors(asSeen), vectors(truth))
    for row in 0..<dataset.rowCount {
      let openTime = asSeen[row].candle.openTime
      #expect(dataset.vector(row) == (row < arrival ? before : after)[openTime], "row \(row)")
      let minutesSince = dataset.decisionTime(row).minutes(since: patch.availableAt)
      // The sixty vectors of a sequence are then partly those of before.
      if row >= arrival, minutesSince < 60 { #expect(dataset.nearAmendment[row] == 1, "row \(row)") }
      if row < arrival || minutesSince > 61 { #expect(dataset.nearAmendment[row] == 0, "row \(row)") }
    }
    #expect(dataset.finalCloses == truth.map(\.candle.close.doubleValue))
  }

  @Test func `changes from before every checkpoint are folded in too`() throws {
    let truth = walk(3300)
    let changed = [5, 60, 3280]
    let asSeen = truth.enumerated().map { index, record in
      changed.contains(index) ? CandleRecord(archived: record.candle.raised(cents: 5000)) : record
    }
    let patches = changed.map {
      CandleRecord(truth[$0].candle, lateAt: truth[3290].availableAt.adding(microseconds: 1))
    }
    let dataset = try build(asSeen[...3290] + patches + asSeen[3291...])
    #expect(dataset.vector(3290) == vectors(asSeen[...3290])[truth[3290].candle.openTime])
    let expected = vectors(truth)
    for row in 3291..<3300 { #expect(dataset.vector(row) == expected[truth[row].candle.openTime]) }
    #expect(dataset.finalCloses == truth.map(\.candle.close.doubleValue))
  }

  @Test func `rows are kept in a half-open range and minutes throughout`() throws {
    let records = walk(400)
    let range = records[350].candle.openTime..<records[390].candle.openTime
    let dataset = try build(records, rows: range)
    #expect(dataset.rowCount == 40)
    #expect(dataset.openTimesMicroseconds.first == records[350].candle.openTime.microseconds)
    #expect(dataset.vector(0) == vectors(records[...350])[records[350].candle.openTime])
    #expect(dataset.finalCloses.count == 400)
  }

  private static let oracle = Series(.chainlink, Symbol("BTC/USD")!)

  /// Of a view whose prices are the walk's, a second after its volumes.
  private func build(_ name: String, volumes: (Int, Candle) -> (Candle, after: Int64)?) throws -> Dataset {
    let view = MarketView(price: Self.oracle, volume: Series(.binance, .btcusdt))
    let set = FeatureSet.oracle
    let header = DatasetHeader(
      view: view, anchor: Timestamp(minute: RandomWalk.firstMinute), from: .distantPast, to: .distantFuture, asOf: nil,
      featureNames: set.names, featureSetHash: set.hash.description, isSynthetic: view.isSimulated)
    var events: [MarketEvent] = []
    for (index, candle) in RandomWalk()(seed: 1, count: 420).enumerated() {
      events.append(.candle(view.price, CandleRecord(archived: candle.pricesOnly)))
      guard let (candle, delay) = volumes(index, candle) else { continue }
      events.append(
        .candle(view.series[1], CandleRecord(candle, lateAt: candle.closeTime.adding(microseconds: delay))))
    }
    var builder = DatasetBuilder(view, header: header, expectedCandles: 420)
    for event in events.sorted(by: { $0.precedes($1) }) { builder.take(event) }
    builder.advance(to: .distantFuture)
    _ = try builder.write(to: folder.path + "/" + name)
    return try Dataset(path: folder.path + "/" + name)
  }

  @Test func `rows of a view wait for volumes, go without, and are put right by late ones`() throws {
    let grace = CandleJoin.graceMicroseconds
    let dataset = try build("view") { index, candle in
      switch index {
      case 380: nil
      case 390: (candle, after: 4_000_000)
      case 400: (candle, after: 120_000_000)
      default: (candle, after: 1_000_000)
      }
    }
    #expect(
      dataset.header.view == "chainlink:BTC/USD+binance:BTCUSDT" && dataset.header.featureSetHash == "8c73c4b17ad184a8")
    #expect(dataset.rowCount == 420 && dataset.featureCount == FeatureSet.oracle.count)
    let walk = RandomWalk()(seed: 1, count: 420)
    for (row, delay) in [(379, 2_000_000), (380, 2_000_000 + grace), (390, 4_000_000), (400, 2_000_000 + grace)] {
      #expect(dataset.availableAtMicroseconds[row] == walk[row].closeTime.microseconds + delay, "row \(row)")
    }
    func vectors(without absent: Set<Int>) -> [[UInt32]] {
      var engine = FeatureEngine()
      return walk.indices.map { index in
        engine.update(FeatureInput(prices: walk[index], volumes: absent.contains(index) ? nil : walk[index]))
        return engine.values(.oracle).map { Float($0).bitPattern }
      }
    }
    let (before, after) = (vectors(without: [380, 400]), vectors(without: [380]))
    for row in 0..<420 { #expect(dataset.vector(row) == (row < 402 ? before : after)[row], "row \(row)") }
    #expect((0..<402).allSatisfy { dataset.nearAmendment[$0] == 0 } && dataset.nearAmendment[402] == 1)
    #expect(dataset.closes[380] == walk[380].close.doubleValue)
  }

  @Test func `prices and quote amounts of the volume series change no byte of a file`() throws {
    let plain = try build("1") { _, candle in (candle, after: 1_000_000) }
    let other = try build("2") { index, candle in
      var other = candle.raised(cents: 90_000 + index)
      (other.quoteVolume, other.takerBuyQuote) = (Decimal8("1"), nil)
      return (other, after: 1_000_000)
    }
    #expect(plain.digest == other.digest)
    #expect(try build("3") { $0 == 9 ? nil : ($1, after: 1_000_000) }.digest != plain.digest)
  }

  @Test func `the same candles give the same file and others another`() throws {
    let first = try build(walk(300), name: "1").digest
    #expect(try build(walk(300), name: "2").digest == first)
    #expect(try build(walk(301), name: "3").digest != first)
  }
}

extension Dataset {
  fileprivate func vector(_ row: Int) -> [UInt32] {
    features[row * featureCount..<(row + 1) * featureCount].map(\.bitPattern)
  }

  fileprivate var finalCloses: [Double] { Array(minuteCloses) }
}
