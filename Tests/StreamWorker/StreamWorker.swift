import Glibc
import Market
import Redis
import Storage
import Streams

/// Publishes numbered events, or stores what it gets, until it is done or killed:
/// `stream-worker publish|consume URL NAME STORE COUNT|MEMBER`.
///
/// An event is stored as the candle of the minute of its number.
@main enum StreamWorker {
  private static let series = Series(.binance, .btcusdt)

  static func main() async throws {
    let words = CommandLine.arguments
    guard words.count == 6, let location = StoreLocation(words[4]) else { exit(2) }
    var options = RedisStreamOptions(groups: ["store"])
    options.name = words[3]
    options.settlePause = .milliseconds(10)
    options.retryPause = .milliseconds(10)
    options.blockMilliseconds = 50
    options.leaseMilliseconds = 300
    options.mostHeld = 100
    options.mostDeliveries = 1000
    var redis = RedisOptions(try RedisAddress(url: words[2]), seed: UInt64(getpid()))
    redis.firstPause = .milliseconds(5)
    redis.longestPause = .milliseconds(50)
    let store = try location.open(.existing)
    let stream = try RedisStream(options, redis: redis)
    let work = Task { try await stream.run() }
    if words[1] == "publish" {
      try await publish(stream, store, count: Int(words[5]) ?? 0)
    } else {
      try await consume(stream, store, member: words[5])
    }
    work.cancel()
    _ = try? await work.value
  }

  /// Begins with the first event that the store lacks, as a feed begins where its ledger ends.
  private static func publish(_ stream: RedisStream, _ store: any Store, count: Int) async throws {
    let stored = try store.candles(series).map { $0.candle.openTime.minute }
    var number = zip(stored, 0...).prefix { $0 == Int64($1) }.count
    while number < count {
      try await stream.publish([StreamRecord(id: "\(number)", key: "A", body: Array("{\"n\": \(number)}".utf8))])
      number += 1
      if number % 10 == 0 { try await Task.sleep(for: .milliseconds(10)) }
    }
    try await stream.settle()
  }

  private static func consume(_ stream: RedisStream, _ store: any Store, member: String) async throws {
    let consumer = try await stream.consumer(group: "store", name: member)
    while true {
      let deliveries = try await consumer.next(limit: 50)
      var batch = LiveBatch(knownAt: Timestamp("2026-01-01") ?? .distantPast)
      batch.candles = deliveries.compactMap { candle($0.record) }
      try store.commit(batch)
      try await consumer.acknowledge(deliveries)
    }
  }

  private static func candle(_ record: StreamRecord) -> LiveCandle? {
    let digits = String(decoding: record.body, as: UTF8.self).filter(\.isNumber)
    guard let number = Int(digits), let price = Decimal8("\(number + 1)") else { return nil }
    let time = Timestamp(minute: Int64(number))
    let candle = Candle(
      openTime: time, open: price, high: price, low: price, close: price, volume: nil, quoteVolume: nil, trades: nil,
      takerBuyBase: nil, takerBuyQuote: nil)
    return LiveCandle(
      series,
      CandleRecord(
        candle: candle, availableAt: time, knownAt: time, provenance: .live, isAvailabilityAssumed: false))
  }
}
