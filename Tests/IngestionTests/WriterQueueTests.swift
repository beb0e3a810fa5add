import Market
import Storage
import TestSupport
import Testing

@testable import Ingestion

struct WriterQueueTests {
  private func limits(candles: Int = 10, waitSeconds: Double = 1, queued: Int = 100) -> LiveWriter.Limits {
    var limits = LiveWriter.Limits()
    limits.maxBatchCandles = candles
    limits.maxWaitSeconds = waitSeconds
    limits.queuedCandles = queued
    return limits
  }

  private func waiting(_ number: Int, candles: Int = 1, queuedAtSecond second: Double = 0) -> WaitingBatch {
    var batch = LiveBatch(knownAt: .distantPast)
    batch.candles = Array(repeating: LiveCandle.live(RandomWalk()(seed: 1, count: 1)[0]), count: candles)
    return WaitingBatch(
      batch, number: number, receivedNanoseconds: 0, queuedNanoseconds: Int64(second * 1e9), completion: { _ in })
  }

  @Test(arguments: [(4, [4, 4, 2]), (10, [10]), (1, Array(repeating: 1, count: 10))])
  func `a transaction has so many candles at most`(most: Int, sizes: [Int]) {
    var queue = WriterQueue(limits(candles: most))
    for number in 1...10 { queue.append(waiting(number)) }
    var taken: [[Int]] = []
    while !queue.isEmpty { taken.append(queue.take(at: 0).map(\.number)) }
    #expect(taken.map(\.count) == sizes)
    #expect(taken.flatMap(\.self) == Array(1...10))
    #expect(queue.candles == 0 && queue.bytes == 0)
  }

  @Test func `what has waited too long goes with all that waits`() {
    var queue = WriterQueue(limits(candles: 2, waitSeconds: 3))
    for number in 1...9 { queue.append(waiting(number, queuedAtSecond: Double(number))) }
    #expect(queue.take(at: 3_900_000_000).map(\.number) == [1, 2])
    #expect(queue.take(at: 5_900_000_000).map(\.number) == [3, 4])
    #expect(queue.take(at: 8_000_000_000).map(\.number) == [5, 6, 7, 8, 9])
  }

  @Test func `a batch is never divided`() {
    var queue = WriterQueue(limits(candles: 10))
    for (index, candles) in [25, 4, 6, 1].enumerated() { queue.append(waiting(index, candles: candles)) }
    #expect(queue.take(at: 0).map(\.number) == [0])
    #expect(queue.take(at: 0).map(\.number) == [1, 2])
    #expect(queue.take(at: 0).map(\.number) == [3])
    #expect(queue.take(at: 0).isEmpty)
  }

  @Test func `there is room up to both bounds, and always for one`() {
    var limits = limits(queued: 10)
    var queue = WriterQueue(limits)
    #expect(queue.hasRoom(for: waiting(1, candles: 1000)))
    queue.append(waiting(1, candles: 4))
    #expect(queue.hasRoom(for: waiting(2, candles: 6)))
    #expect(!queue.hasRoom(for: waiting(2, candles: 7)))
    limits.queuedBytes = waiting(1, candles: 5).bytes
    queue = WriterQueue(limits)
    queue.append(waiting(1, candles: 4))
    #expect(!queue.hasRoom(for: waiting(2, candles: 4)))
    _ = queue.take(at: 0)
    #expect(queue.hasRoom(for: waiting(2, candles: 4)))
  }

  @Test func `long use leaves nothing behind`() {
    var queue = WriterQueue(limits())
    for number in 1...5000 {
      queue.append(waiting(number))
      queue.append(waiting(number))
      _ = queue.take(at: 0)
    }
    #expect(queue.isEmpty && queue.candles == 0 && queue.bytes == 0)
  }
}

struct LatencyHistogramTests {
  @Test(arguments: Soak.seeds(10))
  func `quantiles are those of the sorted durations, at most an eighth higher`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var histogram = LatencyHistogram()
    #expect(histogram.quantileMicroseconds(0.5) == nil)
    var durations: [Int64] = []
    for _ in 0..<3000 {
      let duration = Int64.random(in: 0..<Int64(1) << Int64.random(in: 1..<36, using: &random), using: &random)
      let weight = Int.random(in: 1...3, using: &random)
      histogram.add(microseconds: duration, weight: weight)
      durations += Array(repeating: duration, count: weight)
    }
    durations.sort()
    for share in [0.0, 0.01, 0.5, 0.9, 0.99, 1.0] {
      let exact = durations[max(0, Int((share * Double(durations.count)).rounded(.up)) - 1)]
      let found = try #require(histogram.quantileMicroseconds(share))
      #expect(found >= exact && Double(found) <= Double(exact) * 1.125)
    }
    #expect(histogram.count == durations.count)
    #expect(histogram.quantileMicroseconds(1) == durations.last)
  }

  @Test func `what cannot be is zero or the largest`() {
    var histogram = LatencyHistogram()
    histogram.add(microseconds: -5)
    #expect(histogram.quantileMicroseconds(1) == 0)
    histogram.add(microseconds: .max)
    #expect(histogram.quantileMicroseconds(1) == .max || histogram.largestMicroseconds == .max)
  }
}

extension LiveCandle {
  static func live(_ candle: Candle, _ series: Series = Series(.binance, .btcusdt)) -> LiveCandle {
    LiveCandle(
      series,
      CandleRecord(
        candle: candle, availableAt: candle.closeTime, knownAt: .distantPast, provenance: .live,
        isAvailabilityAssumed: false))
  }
}
