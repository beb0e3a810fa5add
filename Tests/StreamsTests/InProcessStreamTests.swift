import Market
import Synchronization
import TestSupport
import Testing

@testable import Streams

struct InProcessStreamTests {
  @Test func `every group gets every record in order`() async throws {
    let stream = InProcessStream(name: "test", capacity: 1000, groups: ["store", "features"])
    let sent = records(0..<100, keys: ["A", "B"])
    try await stream.publish(sent)
    for group in ["store", "features"] {
      let consumer = try await stream.consumer(group: group, name: "one")
      #expect(try await consumer.take(200, limit: 7) == sent)
    }
    try await stream.settle()
    #expect(stream.statistics.settled == 200)
  }

  @Test func `a publisher waits while the slowest group has as much as may be before it`() async throws {
    let stream = InProcessStream(name: "test", capacity: 10, groups: ["fast", "slow"])
    let publisher = Task { try await stream.publish(records(0..<25)) }
    let fast = try await stream.consumer(group: "fast", name: "one")
    let slow = try await stream.consumer(group: "slow", name: "one")
    #expect(try await fast.take(10).count == 10)
    #expect(stream.statistics.published == 10)
    let deliveries = try await slow.next(limit: 4)
    #expect(stream.statistics.published == 10)
    try await slow.acknowledge(deliveries)
    #expect(try await fast.take(4).count == 4)
    #expect(try await slow.take(21).map(\.number) == Array(4..<25))
    try await publisher.value
    #expect(try await fast.take(11).map(\.number) == Array(14..<25))
  }

  @Test func `what a member leaves unacknowledged comes again to another, before what follows it`() async throws {
    let stream = InProcessStream(name: "test", groups: ["store"])
    try await stream.publish(records(0..<6))
    let (first, second) = (
      try await stream.consumer(group: "store", name: "one"), try await stream.consumer(group: "store", name: "two")
    )
    let taken = try await first.next(limit: 4)
    try await first.acknowledge(Array(taken.prefix(2)))
    await first.close()
    let rest = try await second.next(limit: 10)
    #expect(rest.map(\.record.number) == [2, 3, 4, 5])
    #expect(rest.map(\.attempt) == [2, 2, 1, 1])
  }

  @Test func `nobody gets a key's next record while somebody else is at work on the key`() async throws {
    let stream = InProcessStream(name: "test", groups: ["store"])
    try await stream.publish(records(0..<2, keys: ["A", "B"]))
    let (first, second) = (
      try await stream.consumer(group: "store", name: "one"), try await stream.consumer(group: "store", name: "two")
    )
    let taken = try await first.next(limit: 1)
    #expect(try await second.next(limit: 10).map(\.record.id) == ["B/0", "B/1"])
    try await first.acknowledge(taken)
    #expect(try await second.next(limit: 10).map(\.record.id) == ["A/1"])
  }

  @Test func `waiting ends with cancellation and with the stream`() async throws {
    let stream = InProcessStream(name: "test", capacity: 1, groups: ["store"])
    let consumer = try await stream.consumer(group: "store", name: "one")
    let reader = Task { await error { () throws(StreamError) in try await consumer.next(limit: 1) } }
    reader.cancel()
    #expect(await reader.value == .cancelled(stream: "test"))
    let writer = Task { await error { () throws(StreamError) in try await stream.publish(records(0..<2)) } }
    while stream.statistics.published < 1 { await Task.yield() }
    await stream.close()
    #expect(await writer.value == .closed(stream: "test"))
    #expect(try await consumer.take(1).count == 1)
    #expect(try await consumer.next(limit: 1).isEmpty)
  }

  @Test func `wrong names and sizes are refused`() async throws {
    let stream = InProcessStream(name: "test", groups: ["store"])
    #expect(
      await error { () throws(StreamError) in try await stream.consumer(group: "other", name: "one") }
        == .unknownGroup(stream: "test", group: "other", known: ["store"]))
    for record in [
      StreamRecord(id: "", key: "A", body: []), StreamRecord(id: "a", key: "", body: []),
      StreamRecord(id: String(repeating: "x", count: 257), key: "A", body: []),
      StreamRecord(id: "a", key: "A", body: Array(repeating: 0, count: StreamRecord.mostBytes + 1)),
    ] {
      guard case .badRecord = await error(of: { () throws(StreamError) in try await stream.publish([record]) }) else {
        Issue.record("\(record.id) is taken")
        continue
      }
    }
  }

  /// Members come, work, and go without a word.
  @Test(arguments: Soak.seeds(10)) func `whatever members do each record is stored and in order`(seed: UInt64)
    async throws
  {
    let stream = InProcessStream(name: "test", capacity: 50, groups: ["store"])
    let total = 300
    let publisher = Task { try await stream.publish(records(0..<100, keys: ["A", "B", "C"])) }
    let stored = Mutex<[StreamRecord]>([])
    try await withThrowingTaskGroup { group in
      for member in 0..<3 {
        group.addTask {
          var random = SplitMix64(seed: seed &* 3 &+ UInt64(member))
          while Set(stored.withLock { $0.map(\.id) }).count < total {
            let consumer = try await stream.consumer(group: "store", name: "\(member)")
            for _ in 0..<Int.random(in: 1...5, using: &random) {
              if Set(stored.withLock { $0.map(\.id) }).count == total { break }
              let deliveries = try await consumer.next(limit: .random(in: 1...20, using: &random))
              stored.withLock { $0 += deliveries.map(\.record) }
              try await consumer.acknowledge(Array(deliveries.prefix(.random(in: 0...20, using: &random))))
            }
            await consumer.close()
            if Set(stored.withLock { $0.map(\.id) }).count == total { await stream.close() }
          }
        }
      }
      try await group.waitForAll()
    }
    try await publisher.value
    let all = stored.withLock(\.self)
    #expect(Set(all.map(\.id)).count == total, "seed \(seed)")
    #expect(isOrdered(all), "seed \(seed)")
  }
}
