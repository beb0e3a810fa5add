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
