import FoundationEssentials
import Market
import TestSupport
import Testing
import Venues

@Suite struct OrderBookTests: BinanceSuite {
  private func update(_ first: Int64?, _ last: Int64?, bids: [BookUpdate.Level] = [], asks: [BookUpdate.Level] = [])
    -> BookUpdate
  {
    BookUpdate(isSnapshot: false, firstId: first, lastId: last, bids: bids, asks: asks)
  }

  private func snapshot(_ id: Int64?, bids: [BookUpdate.Level], asks: [BookUpdate.Level]) -> BookUpdate {
    BookUpdate(isSnapshot: true, firstId: id, lastId: id, bids: bids, asks: asks)
  }

  private var small: BookUpdate {
    snapshot(100, bids: [level("10", "1"), level("9", "1")], asks: [level("11", "1"), level("12", "1")])
  }

  // MARK: Procedure

  private struct Replay: Decodable {
    struct Event: Decodable {
      var U: Int64
      var u: Int64
      var b: [[String]]
      var a: [[String]]
    }
    struct Book: Decodable {
      var lastUpdateId: Int64
      var bids: [[String]]
      var asks: [[String]]
    }
    var stream_before_snapshot: [Event]
    var snapshot: Book
    var stream_after_snapshot: [Event]
    var expected: Book
    var gap_event: Event
  }

  private func levels(_ pairs: [[String]]) -> [BookUpdate.Level] { pairs.map { level($0[0], $0[1]) } }

  private func update(_ event: Replay.Event) -> BookUpdate {
    update(event.U, event.u, bids: levels(event.b), asks: levels(event.a))
  }

  @Test func `the documented procedure gives the documented book`() throws {
    let replay = try JSONDecoder().decode(Replay.self, from: BinanceSamples.data("binance.book_replay.json"))
    var book = OrderBook(.ranges)
    for event in replay.stream_before_snapshot { #expect(book.apply(update(event)) == .waiting) }
    let start = replay.snapshot
    #expect(
      book.apply(snapshot(start.lastUpdateId, bids: levels(start.bids), asks: levels(start.asks))) == .applied)
    for event in replay.stream_after_snapshot { #expect(book.apply(update(event)) == .applied) }
    #expect(book.lastId == replay.expected.lastUpdateId)
    #expect(book.bids() == levels(replay.expected.bids))
    #expect(book.asks() == levels(replay.expected.asks))
    #expect(book.apply(update(replay.gap_event)) == .needsSnapshot(.missing(after: 104, next: 110)))
    #expect(book.needsSnapshot)
    #expect(book.bestBid == nil)
    #expect(book.bids().isEmpty)
  }

  @Test(arguments: [(99, 100), (100, 101), (101, 102)])
  func `the first update may hold the snapshot's id or the next`(first: Int64, last: Int64) {
    var book = OrderBook(.ranges)
    _ = book.apply(update(first, last, bids: [level("10.5", "1")]))
    _ = book.apply(update(last + 1, last + 1, asks: [level("10.9", "1")]))
    #expect(book.apply(small) == .applied)
    #expect(book.lastId == last + 1)
    #expect(book.bestBid == (last > 100 ? level("10.5", "1") : level("10", "1")))
    #expect(book.bestAsk == level("10.9", "1"))
  }

  @Test func `a snapshot older than what was seen is asked for again`() {
    var book = OrderBook(.ranges)
    _ = book.apply(update(102, 103, bids: [level("10.5", "2")]))
    #expect(book.apply(small) == .needsSnapshot(.tooOld(snapshot: 100, firstUpdate: 102)))
    var newer = small
    (newer.firstId, newer.lastId) = (102, 102)
    #expect(book.apply(newer) == .applied)
    #expect(book.lastId == 103)
    #expect(book.bestBid == level("10.5", "2"))
  }

  @Test func `after a break the update that showed it counts as the first`() {
    var book = OrderBook(.ranges)
    #expect(book.apply(small) == .applied)
    #expect(book.apply(update(105, 106, bids: [level("10.2", "3")])) == .needsSnapshot(.missing(after: 100, next: 105)))
    #expect(book.apply(update(107, 107)) == .waiting)
    #expect(book.apply(small) == .needsSnapshot(.tooOld(snapshot: 100, firstUpdate: 105)))
    #expect(book.apply(snapshot(105, bids: [level("10", "1")], asks: [level("11", "1")])) == .applied)
    #expect(book.lastId == 107)
    #expect(book.bestBid == level("10.2", "3"))
  }

  @Test func `old updates and old snapshots change nothing`() {
    var book = OrderBook(.ranges)
    _ = book.apply(small)
    #expect(book.apply(update(90, 100, bids: [level("10.7", "1")])) == .ignored)
    #expect(book.apply(snapshot(99, bids: [], asks: [])) == .ignored)
    #expect(book.bestBid == level("10", "1"))
  }

  @Test func `a gap among the waiting updates is found`() {
    var book = OrderBook(.ranges)
    _ = book.apply(update(101, 101))
    _ = book.apply(update(103, 103))
    #expect(book.apply(small) == .needsSnapshot(.missing(after: 101, next: 103)))
    #expect(book.apply(snapshot(102, bids: [level("10", "1")], asks: [level("11", "1")])) == .applied)
    #expect(book.lastId == 103)
  }

  @Test func `a crossed book is given up`() {
    var book = OrderBook(.ranges)
    _ = book.apply(small)
    let crossing = update(101, 101, bids: [level("11", "1")])
    #expect(book.apply(crossing) == .needsSnapshot(.crossed(bid: dec("11"), ask: dec("11"))))
    #expect(book.needsSnapshot)
    let crossed = snapshot(200, bids: [level("12", "1")], asks: [level("11", "1")])
    #expect(book.apply(crossed) == .needsSnapshot(.crossed(bid: dec("12"), ask: dec("11"))))
  }

  @Test func `waiting for a snapshot for ever takes bounded memory`() {
    var book = OrderBook(.ranges)
    for id in Int64(1)...20_000 { #expect(book.apply(update(id, id)) == .waiting) }
    guard case .needsSnapshot(.tooOld(snapshot: 100, let first)) = book.apply(small) else {
      Issue.record("not too old")
      return
    }
    #expect(first > 15_000)
    #expect(book.apply(snapshot(19_999, bids: [level("1", "1")], asks: [])) == .applied)
    #expect(book.lastId == 20_000)
  }

  @Test(arguments: [Int64.min, -1, 0, .max - 1, .max])
  func `no id makes the book trap`(id: Int64) {
    for other in [Int64.min, -1, 0, 1, .max - 1, .max] {
      var book = OrderBook(.ranges)
      _ = book.apply(snapshot(id, bids: [level("10", "1")], asks: []))
      _ = book.apply(update(other, id))
      _ = book.apply(update(id, other))
      _ = book.apply(snapshot(other, bids: [], asks: []))
    }
  }

  // MARK: Other rules

  @Test func `where snapshots come in the stream, they replace the book whatever their id`() {
    var book = OrderBook(.steps)
    #expect(book.apply(update(99, 99)) == .ignored)
    #expect(book.apply(small) == .applied)
    #expect(book.apply(update(101, 101, asks: [level("11", "0")])) == .applied)
    #expect(book.bestAsk == level("12", "1"))
    #expect(book.apply(snapshot(1, bids: [level("5", "1")], asks: [level("6", "1")])) == .applied)
    #expect(book.lastId == 1)
    #expect(book.apply(update(3, 3)) == .needsSnapshot(.missing(after: 1, next: 3)))
    #expect(book.apply(update(4, 4)) == .ignored)
  }

  @Test func `without ids every update counts`() {
    var book = OrderBook(.none)
    #expect(book.apply(snapshot(nil, bids: [level("10", "1")], asks: [level("11", "1")])) == .applied)
    #expect(book.apply(update(nil, nil, bids: [level("10", "7")])) == .applied)
    #expect(book.bestBid == level("10", "7"))
    #expect(book.apply(update(nil, nil, bids: [level("10", "0"), level("3", "0")])) == .applied)
    #expect(book.bestBid == nil)
  }

  @Test func `an update without ids breaks a book with ids`() {
    var book = OrderBook(.ranges)
    _ = book.apply(small)
    #expect(book.apply(update(nil, nil)) == .needsSnapshot(.noIds))
    #expect(book.apply(update(nil, 101)) == .needsSnapshot(.noIds))
    #expect(book.apply(snapshot(nil, bids: [], asks: [])) == .needsSnapshot(.noIds))
    #expect(book.apply(small) == .applied)
  }

  @Test func `the worst levels beyond the limit are forgotten`() {
    var book = OrderBook(.none, depthLimit: 2)
    let prices = ["1", "5", "3", "2", "4"]
    _ = book.apply(snapshot(nil, bids: prices.map { level($0, "1") }, asks: prices.map { level("1" + $0, "1") }))
    #expect(book.bids() == [level("5", "1"), level("4", "1")])
    #expect(book.asks() == [level("11", "1"), level("12", "1")])
    _ = book.apply(update(nil, nil, bids: [level("6", "1"), level("1", "1")]))
    #expect(book.bids() == [level("6", "1"), level("5", "1")])
    #expect(book.bids(1) == [level("6", "1")])
  }

  @Test(arguments: Soak.seeds(20))
  func `levels are those of a dictionary, best first`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var book = OrderBook(.none)
    var truth: [Bool: [Decimal8: Decimal8]] = [true: [:], false: [:]]
    func some(_ isBid: Bool) -> BookUpdate.Level {
      let price = Int.random(in: 1...50, using: &random) + (isBid ? 0 : 50)
      return level("\(price)", "\(Int.random(in: 0...3, using: &random))")
    }
    _ = book.apply(snapshot(nil, bids: [], asks: []))
    for _ in 0..<200 {
      let (bids, asks) = ((0..<3).map { _ in some(true) }, (0..<3).map { _ in some(false) })
      for (isBid, levels) in [(true, bids), (false, asks)] {
        for level in levels { truth[isBid]?[level.price] = level.quantity == .zero ? nil : level.quantity }
      }
      #expect(book.apply(update(nil, nil, bids: bids, asks: asks)) == .applied)
      func expected(_ isBid: Bool) -> [BookUpdate.Level] {
        truth[isBid, default: [:]].map { BookUpdate.Level(price: $0, quantity: $1) }
          .sorted { isBid ? $0.price > $1.price : $0.price < $1.price }
      }
      #expect(book.bids() == expected(true))
      #expect(book.asks() == expected(false))
    }
  }
}
