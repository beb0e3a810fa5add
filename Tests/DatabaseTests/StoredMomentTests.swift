import Features
import Market
import TestSupport
import Testing

@testable import Storage
@testable import candlecast

/// Where a role goes on that was killed amid the events of one batch.
struct StoredMomentTests {
  private static let series = Series("binance:BTCUSDT")!
  private static let view = MarketView(price: series)
  private static let start = Timestamp(minute: RandomWalk.firstMinute)
  private static let early = start.adding(minutes: 10)
  private static let late = start.adding(minutes: 20)

  private let folder: TemporaryFolder
  private let store: DuckDBStore

  /// Minutes 0 to 4 are stored early; minute 2 anew and minutes 5 to 8 late, all in one batch.
  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.file("store.duckdb"))
    let candles = RandomWalk()(seed: 1, count: 9)
    try commit(Array(candles[..<5]), knownAt: Self.early)
    var revised = candles[2]
    revised.volume = Decimal8("123")!
    try commit([revised] + candles[5...], knownAt: Self.late)
  }

  private func commit(_ candles: [Candle], knownAt: Timestamp) throws {
    var batch = LiveBatch(knownAt: knownAt)
    batch.candles = candles.map { LiveCandle(Self.series, CandleRecord($0, lateAt: knownAt)) }
    _ = try store.commit(batch)
  }

  private func standing(at moment: StoredMoment) throws -> [FeatureInput] {
    var joined: [FeatureInput] = []
    try store.readStanding(Self.view, at: moment) { joined += $0 }
    return joined
  }

  @Test(arguments: [5, 7, 9])
  func `of its own batch a moment has the minutes that came before`(next: Int) throws {
    let moment = StoredMoment(knownAt: Self.late, nextOpenTime: Self.start.adding(minutes: next))
    var minutes: [Int64] = []
    try store.readEvents(Self.view, at: moment) { event in
      guard case .candle(_, let record) = event else { return }
      minutes.append(record.candle.openTime.minute - Self.start.minute)
    }
    #expect(minutes.sorted() == ([2] + Array(0..<Int64(next))).sorted())
    let joined = try standing(at: moment)
    #expect(joined.map { $0.openTime.minute - Self.start.minute } == Array(0..<Int64(next)))
    #expect(joined[2].volume == 123)
  }

  @Test func `a version that comes later in its batch does not hide the one before`() throws {
    let moment = StoredMoment(knownAt: Self.late, nextOpenTime: Self.start.adding(minutes: 2))
    let joined = try standing(at: moment)
    #expect(joined.count == 5)
    #expect(joined[2].volume != 123)
  }
}
