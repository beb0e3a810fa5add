import Ingestion
import Market
import Storage
import TestSupport
import Testing
import Venues

/// What a process takes over from one before it.
@Suite struct RestartTests {
  private let series = Series(.simulated, .btcusdt)
  private let now = Timestamp(minute: 28_000_100)

  private func trade(_ id: Int64) -> Trade {
    Trade(id: id, time: now, price: Decimal8("1")!, quantity: Decimal8("1")!, isTakerBuyer: true)
  }

  @Test func `trades that went by while nothing ran are a jump and not live`() {
    var gaps = TradeGaps(series)
    _ = gaps.start([LedgerRange(series, .trades, 10..<20, .live, since: now)], [], now: now)
    var candles = TradeCandles()
    candles.resume(after: gaps.lastId ?? 0)
    let outputs = candles.receive(trade(25), now: now)
    #expect(outputs == [.jumped(ids: 20..<25)])
    let changes = outputs.flatMap { gaps.take($0, now: now) }
    #expect(changes.contains(.fetch(.trades, 20..<25, isRecheck: false)))
    #expect(gaps.missingIds == 5)
  }

  @Test func `with recovery off they are lost, and so is what was missing before`() {
    var gaps = TradeGaps(series)
    let stored = [
      LedgerRange(series, .trades, 10..<15, .missing, since: now),
      LedgerRange(series, .trades, 15..<20, .live, since: now),
    ]
    let first = gaps.start(stored, [], takesUpAgain: false, now: now)
    let later = gaps.take(.jumped(ids: 20..<25), now: now)
    for change in first + later { if case .fetch = change { Issue.record("\(change)") } }
    #expect(gaps.missingIds == 0)
    #expect(gaps.take(.jumped(ids: 30..<31), now: now).contains(.fetch(.trades, 30..<31, isRecheck: false)))
  }

  @Test func `while the clock of the venue is unknown the last minute of an answer may be unfinished`() {
    let candles = RandomWalk()(seed: 1, count: 3)
    let first = candles[0].openTime.minute
    var keeper = GapKeeper(series, first: first)
    let now = Timestamp(minute: first + 3).adding(microseconds: 5_000_000)
    _ = keeper.start([], [], now: now)
    var answer = CandleAnswer(
      asked: first..<first + 3, candles: candles, isFull: true, venueTime: nil, source: "rest")
    #expect(keeper.answered(answer, now: now).contains(.store(Array(candles.prefix(2)), from: "rest")))
    #expect(keeper.state(of: first + 2) == .missing)
    answer.venueTime = now
    #expect(keeper.answered(answer, now: now).contains(.store(candles, from: "rest")))
    #expect(keeper.missingMinutes == 0)
  }

  @Test func `a ledger without a candle is gone on from`() throws {
    let store = ModelStore()
    var batch = LiveBatch(knownAt: now)
    batch.ledger = [LedgerRange(series, .minutes, 100..<200, .missing, since: now)]
    batch.quality = [QualityEvent(series: series, type: "gap", createdAt: now)]
    try store.commit(batch)
    let plan = try SeriesPlan(series, from: store, firstMinute: 150, now: now)
    #expect(plan.firstMinute == 100)
    #expect(plan.ledger == batch.ledger)
    #expect(plan.events == batch.quality)
  }
}
