import Ingestion
import Market
import TestSupport
import Testing

struct SealingTradeCandlesTests {
  private let start = Int64(28_000_000)

  /// A trade so many seconds after the start.
  private func trade(
    _ id: Int64, at seconds: Double, price: String = "100", quantity: String = "1", buys: Bool = true, count: Int64 = 1
  ) -> Trade {
    Trade(
      id: id, time: time(seconds), price: Decimal8(price)!, quantity: Decimal8(quantity)!, isTakerBuyer: buys,
      count: count)
  }

  private func time(_ seconds: Double) -> Timestamp {
    Timestamp(minute: start).adding(microseconds: Int64(seconds * 1_000_000))
  }

  private func feed(_ trades: [Trade], to candles: inout TradeCandles) -> [SealingOutput] {
    trades.flatMap { candles.receive($0, now: $0.time) }
  }

  private func sealed(_ outputs: [SealingOutput]) -> [SealedCandle] {
    outputs.compactMap { if case .sealed(let candle) = $0 { candle } else { nil } }
  }

  @Test func `the first and the last minute of a session are not given`() {
    var candles = TradeCandles()
    let outputs = feed([trade(1, at: 50), trade(2, at: 65), trade(3, at: 110), trade(4, at: 121)], to: &candles)
    #expect(sealed(outputs).map(\.candle.openTime.minute) == [start + 1])
    #expect(sealed(outputs).first?.candle.trades == 2)
  }

  @Test func `amounts are exact and only the sum of quotes is rounded`() throws {
    var candles = TradeCandles()
    let outputs = feed(
      [
        trade(1, at: 50), trade(2, at: 60, price: "0.00000003", quantity: "0.5", count: 3),
        trade(3, at: 61, price: "0.00000007", quantity: "0.3", buys: false), trade(4, at: 120),
      ], to: &candles)
    let candle = try #require(sealed(outputs).first).candle
    #expect(candle.quoteVolume == Decimal8("0.00000004"))  // 3.6e-8
    #expect(candle.takerBuyQuote == Decimal8("0.00000002"))  // 1.5e-8, half up
    #expect(candle.volume == Decimal8("0.8"))
    #expect(candle.takerBuyBase == Decimal8("0.5"))
    #expect(candle.trades == 4)
    #expect(candle.open == Decimal8("0.00000003"))
    #expect(candle.close == Decimal8("0.00000007"))
  }

  @Test func `a hole holds its minute back until the missing trade comes`() {
    var candles = TradeCandles()
    let outputs = feed([trade(1, at: 50), trade(2, at: 65), trade(4, at: 110), trade(5, at: 121)], to: &candles)
    #expect(outputs == [.jumped(ids: 3..<4)])
    #expect(candles.missingIds == [3..<4])
    let late = candles.receive(trade(3, at: 90, price: "90"), .patched, now: time(130))
    #expect(late.first == .recovered(ids: 3..<4))
    #expect(sealed(late).map(\.candle.low) == [Decimal8("90")])
    #expect(sealed(late).map(\.provenance) == [.patched])
    #expect(candles.missingIds.isEmpty)
  }

  @Test func `a trade whose time lies before its neighbours revises the minute`() throws {
    var candles = TradeCandles()
    _ = feed([trade(1, at: 50), trade(2, at: 65), trade(3, at: 121)], to: &candles)
    let revision = sealed(candles.receive(trade(4, at: 119, price: "105"), now: time(122)))
    #expect(revision.map(\.isRevision) == [true])
    #expect(revision.first?.candle.close == Decimal8("105"))
    #expect(candles.receive(trade(4, at: 119, price: "105"), now: time(123)).isEmpty)
  }

  @Test func `neighbouring ids prove the minutes between them quiet`() {
    var candles = TradeCandles()
    let outputs = feed([trade(1, at: 50), trade(2, at: 65), trade(3, at: 250)], to: &candles)
    #expect(outputs.dropFirst() == [.quiet(minute: start + 2), .quiet(minute: start + 3)])
  }

  @Test func `a heartbeat stands for the trade before a minute and the one after it`() {
    var candles = TradeCandles()
    #expect(candles.heartbeat(time: time(30), lastTradeId: 7, now: time(30)).isEmpty)
    _ = feed([trade(8, at: 65), trade(9, at: 70)], to: &candles)
    #expect(candles.heartbeat(time: time(117), lastTradeId: 9, now: time(117)).isEmpty)
    let outputs = candles.heartbeat(time: time(122), lastTradeId: 9, now: time(122))
    #expect(sealed(outputs).map(\.candle.openTime.minute) == [start + 1])
    #expect(candles.heartbeat(time: time(182), lastTradeId: 9, now: time(182)) == [.quiet(minute: start + 2)])
    #expect(candles.heartbeat(time: time(183), lastTradeId: 11, now: time(183)) == [.jumped(ids: 10..<12)])
  }

  @Test func `a heartbeat at a border proves nothing, for its clock need not be that of the trades`() {
    var candles = TradeCandles()
    _ = feed([trade(7, at: 50), trade(8, at: 65), trade(9, at: 70)], to: &candles)
    // The heartbeats' clock is 1.2 seconds ahead: trade 10 still belongs to the minute that they have left.
    #expect(candles.heartbeat(time: time(120), lastTradeId: 9, now: time(121)).isEmpty)
    #expect(feed([trade(10, at: 119)], to: &candles).isEmpty)
    let outputs = feed([trade(11, at: 121)], to: &candles)
    #expect(sealed(outputs).map(\.candle.trades) == [3])
  }

  @Test func `values no market has are refused and change nothing`() {
    var candles = TradeCandles()
    let huge = "99999999999"
    let wrong = [
      trade(-1, at: 1), trade(.max, at: 1), trade(1, at: 1, quantity: "0"), trade(1, at: 1, price: "-1"),
      trade(1, at: 1, price: huge, quantity: huge), trade(1, at: 1, count: 0),
    ]
    for trade in wrong {
      let outputs = candles.receive(trade, now: time(1))
      guard case .refused = outputs.first else { Issue.record("\(trade)"); continue }
    }
    guard case .refused = candles.receive(trade(1, at: 4000), now: time(1)).first else { Issue.record("ahead"); return }
    #expect(candles.lastTradeId == nil)
  }

  @Test func `old minutes are forgotten and what is kept stays bounded`() {
    var options = TradeCandles.Options()
    (options.keptMinutes, options.heldRuns) = (5, 10)
    var candles = TradeCandles(options)
    for id in Int64(0)..<5000 { _ = candles.receive(trade(id * 2, at: Double(id) * 7), now: time(Double(id) * 7)) }
    #expect(candles.missingIds.count <= 10)
    guard case .refused = candles.receive(trade(3, at: 10), now: time(35_000)).first else {
      Issue.record("too old")
      return
    }
    let after = feed([trade(10_000, at: 90_000), trade(10_001, at: 90_060), trade(10_002, at: 90_120)], to: &candles)
    #expect(sealed(after).map(\.candle.trades) == [1])
  }

  @Test(arguments: Soak.seeds(60)) func `exactly the minutes that ids prove are given, and then all of them`(
    seed: UInt64
  ) {
    var session = TradeSession(seed: seed)
    var candles = TradeCandles()
    var given = GivenMinutes()
    for input in session.disturbed() { given.take(input.receive(&candles)) }
    let expected = session.provenMinutes()
    #expect(given.candles == expected.candles, "seed \(seed)")
    #expect(given.quiet == expected.quiet, "seed \(seed)")

    for trade in session.missing() { given.take(candles.receive(trade, .patched, now: session.end)) }
    let all = session.provenMinutes()
    #expect(given.candles == all.candles, "seed \(seed)")
    #expect(given.quiet == all.quiet, "seed \(seed)")
    #expect(Set(given.candles.keys).union(given.quiet) == Set(session.innerMinutes), "seed \(seed)")
    #expect(candles.missingIds.isEmpty)
  }
}

private struct GivenMinutes {
  var candles: [Int64: Candle] = [:]
  var quiet: Set<Int64> = []

  mutating func take(_ outputs: [SealingOutput]) {
    for output in outputs {
      switch output {
      case .sealed(let sealed):
        #expect(sealed.isRevision == (candles[sealed.candle.openTime.minute] != nil))
        candles[sealed.candle.openTime.minute] = sealed.candle
      case .quiet(let minute): quiet.insert(minute)
      default: break
      }
    }
  }
}

private enum SessionInput {
  case trade(Trade)
  case beat(Timestamp, Int64)

  func receive(_ candles: inout TradeCandles) -> [SealingOutput] {
    switch self {
    case .trade(let trade): candles.receive(trade, now: trade.time)
    case .beat(let time, let id): candles.heartbeat(time: time, lastTradeId: id, now: time)
    }
  }
}

/// True trades with what of them arrived, and the minutes that follow from the definition, computed the slow way.
private struct TradeSession {
  private let trades: [Trade]
  private let beats: [(time: Timestamp, id: Int64)]
  private var received: Set<Int64> = []
  private var heard: [(time: Timestamp, id: Int64)] = []
  private var random: SplitMix64
  private let firstMinute = Int64(28_000_000)
  let minuteCount: Int
  let end: Timestamp

  init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    minuteCount = .random(in: 3...60, using: &random)
    end = Timestamp(minute: firstMinute + Int64(minuteCount))
    let stepLimit = Int64.random(in: 1...90, using: &random) * 1_000_000
    var trades: [Trade] = []
    var time = Timestamp(minute: firstMinute)
    while time < end {
      trades.append(
        Trade(
          id: 1000 + Int64(trades.count), time: time,
          price: Decimal8(units: .random(in: 1...5_000_000_000, using: &random))!,
          quantity: Decimal8(units: .random(in: 1...5_000_000_000, using: &random))!,
          isTakerBuyer: .random(using: &random), count: .random(in: 1...4, using: &random)))
      time = time.adding(microseconds: .random(in: 0...stepLimit, using: &random))
    }
    var beats: [(Timestamp, Int64)] = []
    if Bool.random(using: &random) {
      for second in stride(from: 7, to: minuteCount * 60, by: 20) {
        let time = Timestamp(minute: firstMinute).adding(microseconds: Int64(second) * 1_000_000)
        beats.append((time, trades.last { $0.time <= time }?.id ?? 999))
      }
    }
    (self.trades, self.beats, self.random) = (trades, beats, random)
  }

  /// Holes as of lost connections, single losses, repetitions and local disorder.
  mutating func disturbed() -> [SessionInput] {
    let loss = [0.0, 0.001, 0.02].randomElement(using: &random)!
    var inputs: [(order: Int64, input: SessionInput)] = []
    let holes = (0..<Int.random(in: 0...3, using: &random)).map { _ in
      let from = Int64.random(in: 0..<Int64(minuteCount * 60), using: &random)
      return from...(from + .random(in: 0...200, using: &random))
    }
    let disorder: Int64 = [0, 100_000, 30_000_000].randomElement(using: &random)!
    func isHeard(_ time: Timestamp) -> Bool {
      let second = (time.microseconds - Timestamp(minute: firstMinute).microseconds) / 1_000_000
      return !holes.contains { $0.contains(second) }
    }
    for trade in trades where isHeard(trade.time) && Double.random(in: 0..<1, using: &random) >= loss {
      received.insert(trade.id)
      for _ in 0..<([1, 1, 1, 2].randomElement(using: &random)!) {
        inputs.append((trade.time.microseconds + .random(in: 0...disorder, using: &random), .trade(trade)))
      }
    }
    for beat in beats where isHeard(beat.time) {
      heard.append(beat)
      inputs.append((beat.time.microseconds + .random(in: 0...disorder, using: &random), .beat(beat.time, beat.id)))
    }
    return inputs.sorted { $0.order < $1.order }.map(\.input)
  }

  /// What did not come, in any order.
  mutating func missing() -> [Trade] {
    let missing = trades.filter { !received.contains($0.id) }.shuffled(using: &random)
    received = Set(trades.map(\.id))
    return missing
  }

  /// Between the first trade's minute and the last one's, and what heartbeats add at the ends.
  var innerMinutes: [Int64] {
    (firstMinute..<(firstMinute + Int64(minuteCount))).filter { isBoundaryProven($0) && isBoundaryProven($0 + 1) }
  }

  func provenMinutes() -> (candles: [Int64: Candle], quiet: Set<Int64>) {
    var candles: [Int64: Candle] = [:]
    var quiet: Set<Int64> = []
    for minute in firstMinute..<(firstMinute + Int64(minuteCount)) {
      guard isBoundaryProven(minute), isBoundaryProven(minute + 1) else { continue }
      let inside = trades.filter { $0.time.minute == minute }
      if inside.isEmpty {
        quiet.insert(minute)
      } else if inside.allSatisfy({ received.contains($0.id) }) {
        candles[minute] = Self.candle(of: inside, minute)
      }
    }
    return (candles, quiet)
  }

  private func isBoundaryProven(_ minute: Int64) -> Bool {
    let last = 999 + Int64(trades.count { $0.time.minute < minute })
    let isBefore = received.contains(last) || heard.contains { $0.id == last && $0.time.minute < minute }
    let isAfter = received.contains(last + 1) || heard.contains { $0.id == last && $0.time.minute >= minute }
    return isBefore && isAfter
  }

  private static func candle(of trades: [Trade], _ minute: Int64) -> Candle {
    func rounded(_ exact: Int128) -> Decimal8? { Decimal8(units: (exact + 50_000_000) / 100_000_000) }
    let bought = trades.filter(\.isTakerBuyer)
    return Candle(
      openTime: Timestamp(minute: minute), open: trades.first!.price, high: trades.map(\.price).max()!,
      low: trades.map(\.price).min()!, close: trades.last!.price,
      volume: Decimal8(units: trades.reduce(0) { $0 + $1.quantity.units }),
      quoteVolume: rounded(trades.reduce(0) { $0 + $1.price.units * $1.quantity.units }),
      trades: trades.reduce(0) { $0 + $1.count },
      takerBuyBase: Decimal8(units: bought.reduce(0) { $0 + $1.quantity.units }),
      takerBuyQuote: rounded(bought.reduce(0) { $0 + $1.price.units * $1.quantity.units }))
  }
}
