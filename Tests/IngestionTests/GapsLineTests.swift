import Ingestion
import Market
import Storage
import TestSupport
import Testing

struct GapsLineTests {
  private let now = Timestamp("2025-01-01")!

  @Test(arguments: Soak.seeds(40)) func `ranges of keys are a set of keys`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var ranges = KeyRanges()
    var keys: Set<Int64> = []
    for _ in 0..<200 {
      let from = Int64.random(in: 0...100, using: &random)
      let range = from..<(from + .random(in: 0...15, using: &random))
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        ranges.insert(range)
        keys.formUnion(range)
      case 1:
        ranges.remove(range)
        keys.subtract(range)
      default: #expect(ranges.insert(from) == keys.insert(from).inserted)
      }
      #expect(ranges.runs.flatMap { Array($0) } == keys.sorted())
      #expect(zip(ranges.runs, ranges.runs.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
      #expect(ranges.covers(range) == keys.isSuperset(of: range))
      #expect(ranges.contains(from) == keys.contains(from))
      #expect(ranges.holes(in: range).flatMap { Array($0) } == range.filter { !keys.contains($0) })
      #expect(ranges.count == keys.count)
    }
  }

  @Test func `jumped ids are missing until they come, and what the venue passes over is lost`() {
    let series = Series(.binance, .btcusdt)
    var gaps = TradeGaps(series)
    #expect(gaps.reached(10, now: now).count == 1)
    let jump = gaps.take(.jumped(ids: 15..<20), now: now)
    #expect(jump.last == .fetch(.trades, 15..<20, isRecheck: false))
    #expect(jump.events.map(\.type) == ["trade_gap"])
    _ = gaps.reached(30, now: now)
    _ = gaps.take(.recovered(ids: 16..<17), now: now)
    #expect(gaps.missingIds == 4)
    let answer = gaps.answered(15..<20, ids: [15, 18], isFull: true, from: "rest", now: now)
    #expect(answer.events.isEmpty)
    #expect(gaps.missingIds == 1)
    let rest = gaps.answered(19..<20, ids: [19, 20, 21], isFull: true, from: "rest", now: now)
    #expect(rest.events.map(\.resolvedAt) == [now])
    let states = gaps.pieces.map { ($0.range, $0.state) }
    let lost = LedgerState.lost(reason: "rest does not have it")
    let patched = LedgerState.patched(from: "rest")
    let expected: [(Range<Int64>, LedgerState)] = [
      (10..<15, .live), (15..<16, patched), (16..<17, .live), (17..<18, lost), (18..<20, patched), (20..<31, .live),
    ]
    #expect(states.elementsEqual(expected, by: ==))
  }

  @Test func `a jump too wide to be a loss is written off`() {
    var gaps = TradeGaps(Series(.binance, .btcusdt))
    _ = gaps.reached(10, now: now)
    let changes = gaps.take(.jumped(ids: 11..<9_000_000_000), now: now)
    #expect(changes.events.last?.resolvedAt == now)
    #expect(gaps.missingIds == 0)
  }
}
