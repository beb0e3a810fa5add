import Glibc
import Redis
import Streams

/// Publishes numbered events, or stores what it gets, until it is done or killed:
/// `stream-worker publish|consume URL NAME STORE COUNT|MEMBER`.
///
/// The store is a folder with a file for each event, so that storing one twice changes nothing.
@main enum StreamWorker {
  static func main() async throws {
    let words = CommandLine.arguments
    guard words.count == 6 else { exit(2) }
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
    let stream = try RedisStream(options, redis: redis)
    let work = Task { try await stream.run() }
    if words[1] == "publish" {
      try await publish(stream, store: words[4], count: Int(words[5]) ?? 0)
    } else {
      try await consume(stream, store: words[4], member: words[5])
    }
    work.cancel()
    _ = try? await work.value
  }

  /// Begins with the first event that the store lacks, as a feed begins where its ledger ends.
  private static func publish(_ stream: RedisStream, store: String, count: Int) async throws {
    var number = 0
    while number < count, access("\(store)/\(number)", F_OK) == 0 { number += 1 }
    while number < count {
      try await stream.publish([StreamRecord(id: "\(number)", key: "A", body: Array("{\"n\": \(number)}".utf8))])
      number += 1
      if number % 10 == 0 { try await Task.sleep(for: .milliseconds(10)) }
    }
    try await stream.settle()
  }

  private static func consume(_ stream: RedisStream, store: String, member: String) async throws {
    let consumer = try await stream.consumer(group: "store", name: member)
    while true {
      let deliveries = try await consumer.next(limit: 50)
      for delivery in deliveries { write(delivery.record, to: store) }
      try await consumer.acknowledge(deliveries)
    }
  }

  private static func write(_ record: StreamRecord, to store: String) {
    let (path, partial) = ("\(store)/\(record.id)", "\(store)/.\(record.id).\(getpid())")
    let file = open(partial, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    precondition(file >= 0, "the store can be written to")
    _ = record.body.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    close(file)
    rename(partial, path)
  }
}
