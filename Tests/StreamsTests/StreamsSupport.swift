import Market
import Redis
import Streams
import TestSupport

/// Records numbered within their keys.
func records(_ range: Range<Int>, keys: [String] = ["A"]) -> [StreamRecord] {
  range.flatMap { number in
    keys.map { StreamRecord(id: "\($0)/\(number)", key: $0, body: Array("{\"n\": \(number)}".utf8)) }
  }
}

extension StreamRecord {
  var number: Int { Int(id.split(separator: "/")[1]) ?? -1 }
}

/// Whether the records of each key are in order, repetitions apart.
func isOrdered(_ records: [StreamRecord]) -> Bool {
  var newest: [String: Int] = [:]
  for record in records {
    // What comes again may go back, but what is new follows what was newest.
    guard record.number <= (newest[record.key] ?? -1) + 1 else { return false }
    newest[record.key] = max(newest[record.key] ?? -1, record.number)
  }
  return true
}

/// The error that a call ends with.
func error(of body: () async throws(StreamError) -> some Any) async -> StreamError? {
  do throws(StreamError) {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}

extension StreamConsumer {
  /// Acknowledges as it goes.
  func take(_ count: Int, limit: Int = 100) async throws -> [StreamRecord] {
    var records: [StreamRecord] = []
    while records.count < count {
      let deliveries = try await next(limit: min(limit, count - records.count))
      if deliveries.isEmpty { break }
      records += deliveries.map(\.record)
      try await acknowledge(deliveries)
    }
    return records
  }
}

extension RedisServer {
  func stream(_ change: (inout RedisStreamOptions) -> Void = { _ in }) throws -> RedisStream {
    var options = RedisStreamOptions(groups: ["store"])
    options.name = "test"
    options.settlePause = .milliseconds(5)
    options.retryPause = .milliseconds(5)
    options.blockMilliseconds = 50
    options.leaseMilliseconds = 1000
    change(&options)
    return try RedisStream(options, redis: RedisOptions(try RedisAddress(url: url), seed: 1))
  }
}

/// Runs a stream while the body does.
func running<Result: Sendable>(
  _ streams: any EventStream..., body: () async throws -> sending Result
) async throws -> Result {
  let tasks = streams.map { stream in Task { try await stream.run() } }
  defer { for task in tasks { task.cancel() } }
  return try await body()
}
