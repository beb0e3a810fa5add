import FoundationEssentials
import Market
import Operations
import Platform
import Redis
import Streams
import Synchronization

/// What Redis costs, on a server that holds nothing else: `candlecast-bench redis URL OUT.json`.
enum RedisBenchmarks {
  static let word = "redis"

  static func run(url: String, to path: String) async throws {
    let options = RedisOptions(try RedisAddress(url: url), seed: 1)
    let measurements = [
      try bareSetAndGet(options), try await setAndGet(options), try await answers(options),
      try await streamed(options), try await streamLatency(options),
    ]
    for measurement in measurements { Terminal.output.write(measurement.line(ratio: nil) + "\n") }
    let json = JSONValue.array(measurements.map(\.json)).indented + "\n"
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(json.utf8).write(to: URL(filePath: path), options: .atomic)
  }

  private static let points = 20_000

  private static func point(_ index: Int) -> FeaturePoint {
    var point = FeaturePoint(symbol: .btcusdt, timestamp: Timestamp(milliseconds: Int64(index)))
    for (offset, path) in FeaturePoint.values.enumerated() { point[keyPath: path] = 45230.5 + Double(offset) / 7 }
    return point
  }

  /// The commands of the next, without a client: what is sent stands ready, what comes is not read.
  private static func bareSetAndGet(_ options: RedisOptions) throws -> Measurement {
    let connection = try RedisBare(options.address)
    var json: [UInt8] = []
    func command(_ words: String...) -> [[UInt8]] {
      words.map { $0 == "JSON" ? json : Array($0.utf8) }
    }
    return try Measurement.latency("redis.set_get_bare", count: points, before: { json = point($0).json }) { _ in
      try connection.ask([
        command("MULTI"), command("LREM", "bare", "0", "JSON"), command("LPUSH", "bare", "JSON"),
        command("LTRIM", "bare", "0", "9"), command("PEXPIRE", "bare", "3600000"), command("EXEC"),
      ])
      try connection.ask([command("LRANGE", "bare", "0", "9")])
    }
  }

  /// A feature point stored and the last ten read, one after the other.
  private static func setAndGet(_ options: RedisOptions) async throws -> Measurement {
    let cache = FeatureCache(try RedisClient(options))
    var point = point(0)
    return try await latency("redis.set_get_features", count: points) { index in
      point.timestamp = Timestamp(milliseconds: Int64(index))
      guard await cache.store(point) == .stored, case .fresh = await cache.features(.btcusdt, now: point.timestamp)
      else { throw cache.statistics.lastTrouble ?? .closed(server: "\(options.address)") }
    }
  }

  /// Answers to sixty-four tasks that ask at the same time over one connection.
  private static func answers(_ options: RedisOptions) async throws -> Measurement {
    let (client, tasks, each) = (try RedisClient(options), 64, 2000)
    let seconds = try await seconds {
      try await withThrowingTaskGroup { group in
        for task in 0..<tasks {
          group.addTask {
            for _ in 0..<each { _ = try await client.send(RedisCommand("INCR", "bench:\(task)")) }
          }
        }
        try await group.waitForAll()
      }
    }
    let count = tasks * each
    return Measurement(name: "redis.answers", unit: "1/s", n: count, figures: .value(Double(count) / seconds))
  }

  /// Candle-sized events published, delivered, acknowledged and settled.
  private static func streamed(_ options: RedisOptions) async throws -> Measurement {
    let (stream, count) = (try stream("bench:throughput", options), 100_000)
    let work = Task { try await stream.run() }
    let consumer = try await stream.consumer(group: "store", name: "bench")
    let body = [UInt8](repeating: UInt8(ascii: " "), count: 500)
    let seconds = try await seconds {
      let publisher = Task {
        for start in stride(from: 0, to: count, by: 100) {
          try await stream.publish((start..<start + 100).map { StreamRecord(id: "\($0)", key: "BTCUSDT", body: body) })
        }
      }
      var taken = 0
      while taken < count {
        let deliveries = try await consumer.next(limit: 500)
        taken += deliveries.count
        try await consumer.acknowledge(deliveries)
      }
      try await publisher.value
      try await stream.settle()
    }
    work.cancel()
    return Measurement(name: "redis.stream_events", unit: "1/s", n: count, figures: .value(Double(count) / seconds))
  }

  /// From publishing one event to its delivery.
  private static func streamLatency(_ options: RedisOptions) async throws -> Measurement {
    let stream = try stream("bench:latency", options)
    let work = Task { try await stream.run() }
    defer { work.cancel() }
    let consumer = try await stream.consumer(group: "store", name: "bench")
    return try await latency("redis.stream_latency", count: 5000) { index in
      try await stream.publish([StreamRecord(id: "\(index)", key: "BTCUSDT", body: Array("{}".utf8))])
      try await consumer.acknowledge(try await consumer.next(limit: 1))
    }
  }

  private static func stream(_ name: String, _ options: RedisOptions) throws -> RedisStream {
    var streamOptions = RedisStreamOptions(groups: ["store"])
    streamOptions.name = name
    return try RedisStream(streamOptions, redis: options)
  }

  private static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let start = SystemClock.monotonicNanoseconds()
    try await body()
    return Double(SystemClock.monotonicNanoseconds() - start) / 1e9
  }

  /// As `Measurement.latency`, for what waits.
  private static func latency(
    _ name: String, count: Int, _ body: (Int) async throws -> Void
  ) async throws -> Measurement {
    for index in 0..<count / 10 { try await body(index) }
    var microseconds: [Double] = []
    for index in 0..<count {
      let start = SystemClock.monotonicNanoseconds()
      try await body(count / 10 + index)
      microseconds.append(Double(SystemClock.monotonicNanoseconds() - start) / 1000)
    }
    microseconds.sort()
    return Measurement(
      name: name, unit: "µs", n: count,
      figures: .percentiles(p50: microseconds[count / 2], p99: microseconds[count * 99 / 100]))
  }
}
