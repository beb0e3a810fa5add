import Ingestion
import Market
import Storage
import TestSupport
import Testing

struct GapsKeeperTests {
  private let series = Series(.binance, .btcusdt)
  private let first = Int64(28_000_000)

  private func at(_ minute: Double) -> Timestamp {
    Timestamp(minute: first).adding(microseconds: Int64(minute * 60_000_000))
  }

  private func sealed(_ minute: Int64) -> SealedCandle {
    SealedCandle(.flat(first + minute), .live, isRevision: false)
  }

  private func answer(
    _ asked: Range<Int64>, _ minutes: [Int64], isFull: Bool = false, at time: Timestamp
  ) -> CandleAnswer {
    CandleAnswer(
      asked: (first + asked.lowerBound)..<(first + asked.upperBound), candles: minutes.map { .flat(first + $0) },
      isFull: isFull, venueTime: time, source: "rest")
  }

  private func started(_ options: GapKeeper.Options = .init()) -> GapKeeper {
    var keeper = GapKeeper(series, first: first, options)
    #expect(keeper.start([], [], now: at(0)).isEmpty)
    return keeper
  }

  @Test func `what the store lacks at the start is missing at once`() {
    var keeper = GapKeeper(series, first: first)
    let changes = keeper.start([], [], now: at(10.5))
    #expect(changes.contains(.fetch(.minutes, first..<(first + 10), isRecheck: false)))
    #expect(keeper.missingMinutes == 10)
    #expect(changes.events.map(\.candlesMissing) == [10])
  }

  @Test func `with an end the minute that was just over is expected two seconds later, and nothing after it`() {
    var keeper = GapKeeper(series, first: first, end: first + 10)
    #expect(keeper.start([], [], now: at(10.01)).contains(.fetch(.minutes, first..<(first + 9), isRecheck: false)))
    #expect(!keeper.expectsAll)
    #expect(keeper.tick(now: at(10.02)).isEmpty)
    let changes = keeper.tick(now: at(10.04))
    #expect(changes.contains(.fetch(.minutes, (first + 9)..<(first + 10), isRecheck: false)))
    #expect(keeper.expectsAll)
    _ = keeper.tick(now: at(30))
    #expect(keeper.expectedMinutes == first..<(first + 10))
  }

  @Test func `a silent stream is an alarm after sixty seconds and a gap after seventy`() {
    var keeper = started()
    keeper.heard(at(0.2), now: at(0.2))
    #expect(keeper.tick(now: at(1.2)).isEmpty)
    guard case .alarm = keeper.tick(now: at(1.21)).first else { Issue.record("no alarm"); return }
    #expect(keeper.tick(now: at(1.3)).isEmpty)
    let changes = keeper.tick(now: at(1.37))
    #expect(changes.contains(.fetch(.minutes, first..<(first + 1), isRecheck: false)))
    #expect(changes.events.map(\.type) == ["gap"])
  }

  @Test func `the threshold is a knob`() {
    var options = GapKeeper.Options()
    options.thresholdMicroseconds = 200_000_000
    var keeper = started(options)
    keeper.heard(at(0.2), now: at(0.2))
    #expect(keeper.tick(now: at(3.5)).events.isEmpty)
    #expect(keeper.tick(now: at(3.6)).events.count == 1)
  }

  @Test func `a minute that the stream passed without giving it is missing`() {
    var keeper = started()
    #expect(keeper.sealed(sealed(0), now: at(1)).count == 1)
    keeper.heard(at(2.1), now: at(2.1))
    #expect(keeper.tick(now: at(2.1)).isEmpty)
    keeper.heard(at(2.2), now: at(2.2))
    let changes = keeper.tick(now: at(2.2))
    #expect(
      changes.first == .ledger(LedgerRange(series, .minutes, (first + 1)..<(first + 2), .missing, since: at(2.2))))
    #expect(keeper.state(of: first) == .live)
    #expect(keeper.unfinished(minute: first + 1, now: at(2.2)).isEmpty)
  }

  @Test func `a gap is one event that grows and is closed when nothing of it remains`() throws {
    var keeper = started()
    let opened = try #require(keeper.tick(now: at(2.2)).events.first)
    let grown = try #require(keeper.tick(now: at(3.2)).events.first)
    #expect(opened.createdAt == grown.createdAt)
    #expect(grown.candlesMissing == 3)
    #expect(keeper.answered(answer(0..<3, [0, 2], at: at(3.2)), now: at(3.3)).events.first?.resolvedAt == at(3.3))
    #expect(keeper.state(of: first + 1) == .lost(reason: "rest does not have it"))
    #expect(keeper.state(of: first + 2) == .patched(from: "rest"))
  }

  @Test func `a minute that no answer reaches is lost only after several answers, and late enough`() {
    var keeper = started()
    _ = keeper.tick(now: at(1.5))
    for _ in 0..<5 { _ = keeper.answered(answer(0..<1, [], at: at(2.9)), now: at(2.9)) }
    #expect(keeper.state(of: first) == .missing)
    for _ in 0..<5 { _ = keeper.answered(answer(0..<1, [], isFull: true, at: at(4)), now: at(4)) }
    #expect(keeper.state(of: first) == .missing)
    for _ in 0..<2 { _ = keeper.answered(answer(0..<1, [], at: at(4)), now: at(4)) }
    #expect(keeper.state(of: first) == .missing)
    _ = keeper.answered(answer(0..<1, [], at: at(4)), now: at(4))
    #expect(keeper.state(of: first)?.isLostState == true)
    _ = keeper.sealed(sealed(0), now: at(5))
    #expect(keeper.state(of: first) == .live)
  }

  @Test func `an unfinished minute in an answer is not used`() {
    var keeper = started()
    let changes = keeper.answered(answer(0..<3, [0, 1, 2], at: at(2.5)), now: at(2.5))
    #expect(changes.first == .store([.flat(first), .flat(first + 1)], from: "rest"))
    #expect(keeper.state(of: first + 2) == nil)
  }

  @Test func `the last hour is checked again after a connection, and what came live stays live`() {
    var keeper = started()
    for minute in Int64(0)..<90 { _ = keeper.sealed(sealed(minute), now: at(Double(minute) + 1)) }
    let changes = keeper.connected(now: at(90.1))
    #expect(changes == [.fetch(.minutes, (first + 30)..<(first + 90), isRecheck: true)])
    let checked = keeper.answered(answer(30..<90, Array(30..<90), at: at(90.2)), now: at(90.2))
    #expect(checked.count == 1)
    #expect(keeper.state(of: first + 40) == .live)
  }

  @Test func `a second socket has only the time since the newest data checked`() {
    var keeper = started()
    for minute in Int64(0)..<90 { _ = keeper.sealed(sealed(minute), now: at(Double(minute) + 1)) }
    keeper.heard(at(86.5), now: at(86.5))
    #expect(
      keeper.connected(isSecond: true, now: at(90.1))
        == [.fetch(.minutes, (first + 86)..<(first + 90), isRecheck: true)])
    keeper.heard(at(90.1), now: at(90.1))
    #expect(keeper.connected(isSecond: true, now: at(90.2)).isEmpty)
  }

  @Test func `a doubted minute is checked again when it is over`() {
    var keeper = started()
    keeper.heard(at(1.4), now: at(1.4))
    _ = keeper.sealed(sealed(0), now: at(1))
    keeper.doubt(at(1.4))
    keeper.doubt(at(1.5))
    keeper.heard(at(2.01), now: at(2.01))
    #expect(keeper.tick(now: at(2.01)).isEmpty)
    #expect(keeper.tick(now: at(2.04)) == [.fetch(.minutes, (first + 1)..<(first + 2), isRecheck: true)])
    #expect(keeper.tick(now: at(2.05)).isEmpty)
  }

  @Test(arguments: Soak.seeds(60)) func `every expected minute has exactly one state and all end as the truth says`(
    seed: UInt64
  ) {
    var random = SplitMix64(seed: seed)
    let count = Int64.random(in: 5...200, using: &random)
    let absent = Set((0..<count).filter { _ in .random(in: 0..<20, using: &random) == 0 })
    var keeper = GapKeeper(series, first: first)
    var model = LedgerModel()
    var queue = BackfillQueue()
    var now = at(.random(in: 0...2, using: &random))
    model.take(keeper.start([], [], now: now), &queue, series)
    var isConnected = true
    while now < at(Double(count) + 30) {
      let minute = now.minute - first
      if .random(in: 0..<400, using: &random) == 0 {
        isConnected.toggle()
        if isConnected { model.take(keeper.connected(now: now), &queue, series) }
      }
      if .random(in: 0..<2000, using: &random) == 0 {
        keeper = GapKeeper(series, first: first)
        queue = BackfillQueue()
        model.take(keeper.start(model.stored(series), model.open, now: now), &queue, series)
      }
      if isConnected {
        keeper.heard(now, now: now)
        let done = minute - Int64.random(in: 1...3, using: &random)
        if done >= 0, done < count, !absent.contains(done), .random(in: 0..<10, using: &random) != 0 {
          model.take(keeper.sealed(sealed(done), now: now), &queue, series)
        }
      }
      model.take(keeper.tick(now: now), &queue, series)
      for job in queue.next(now: now) {
        guard .random(in: 0..<4, using: &random) != 0 else {
          #expect(queue.failed(job.id, .unreachable("test"), now: now) == nil)
          continue
        }
        queue.finished(job.id)
        let page = job.range.prefix(.random(in: 1...1000, using: &random))
        let there = page.map { $0 - first }.filter { !absent.contains($0) && $0 < minute && $0 < count }
        let answer = CandleAnswer(
          asked: job.range, candles: there.map { .flat(first + $0) }, isFull: page.count < job.range.count,
          venueTime: now, source: "rest")
        model.take(keeper.answered(answer, now: now), &queue, series)
      }
      #expect(keeper.pieces.reduce(0) { $0 + $1.range.count } == keeper.expectedMinutes.count)
      now = now.adding(microseconds: .random(in: 1...8_000_000, using: &random))
    }
    for minute in Int64(0)..<count {
      let state = keeper.state(of: first + minute)
      #expect(state == model.states[first + minute])
      #expect(state?.isLostState == absent.contains(minute), "minute \(minute) of seed \(seed)")
    }
    #expect(model.stored.isDisjoint(with: absent.map { first + $0 }))
    let open = Set(model.open.map(\.createdAt))
    #expect(keeper.missingMinutes == 0 ? open.isEmpty : !open.isEmpty, "seed \(seed)")
  }
}

/// The ledger and the events as a store would hold them, minute by minute.
private struct LedgerModel {
  var states: [Int64: LedgerState] = [:]
  var since: [Int64: Timestamp] = [:]
  var events: [Timestamp: QualityEvent] = [:]
  var stored: Set<Int64> = []

  var open: [QualityEvent] { events.values.filter { $0.resolvedAt == nil } }

  func stored(_ series: Series) -> [LedgerRange] {
    states.keys.sorted().map { LedgerRange(series, .minutes, $0..<($0 + 1), states[$0]!, since: since[$0]!) }
  }

  mutating func take(_ changes: [GapChange], _ queue: inout BackfillQueue, _ series: Series) {
    for change in changes {
      switch change {
      case .ledger(let range):
        for minute in range.range { (states[minute], since[minute]) = (range.state, range.since) }
      case .quality(let event):
        #expect(events[event.createdAt]?.resolvedAt == nil)
        events[event.createdAt] = event
      case .fetch(let kind, let range, let isRecheck): queue.add(series, kind, range, isRecheck: isRecheck)
      case .store(let candles, _): stored.formUnion(candles.map(\.openTime.minute))
      case .alarm: break
      }
    }
  }
}

extension Candle {
  static func flat(_ minute: Int64) -> Candle {
    let price = Decimal8("100")!
    return Candle(openTime: Timestamp(minute: minute), open: price, high: price, low: price, close: price)
  }
}

extension LedgerState {
  var isLostState: Bool { if case .lost = self { true } else { false } }
}

extension [GapChange] {
  var events: [QualityEvent] { compactMap { if case .quality(let event) = $0 { event } else { nil } } }
}
