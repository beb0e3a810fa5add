import Glibc
import Market
import Redis
import TestSupport
import Testing

@testable import Streams

struct RedisStreamTests {
  @Test func `what is published reaches every group in order and is then forgotten`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream {
      $0.groups = ["store", "features"]
      $0.shards = 3
    }
    let sent = records(0..<200, keys: ["A", "B", "C"])
    try await running(stream) {
      try await stream.publish(sent)
      for group in ["store", "features"] {
        #expect(stream.statistics.settled == 0)
        let consumer = try await stream.consumer(group: group, name: "one")
        let taken = try await consumer.take(600)
        #expect(Set(taken) == Set(sent))
        #expect(isOrdered(taken))
      }
      try await stream.settle()
    }
    let statistics = stream.statistics
    #expect(statistics.held == 0)
    #expect([statistics.published, statistics.settled, statistics.acknowledged] == [600, 600, 1200])
    #expect([statistics.redelivered, statistics.resent, statistics.deadLetters, statistics.trimmed] == [0, 0, 0, 0])
  }

  @Test func `a publisher holds no more than it may`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream { $0.mostHeld = 10 }
    try await running(stream) {
      let publisher = Task { try await stream.publish(records(0..<25)) }
      let consumer = try await stream.consumer(group: "store", name: "one")
      var numbers: [Int] = []
      while numbers.count < 25 {
        let deliveries = try await consumer.next(limit: 100)
        numbers += deliveries.map(\.record.number)
        #expect(stream.statistics.held <= 10)
        try await consumer.acknowledge(deliveries)
      }
      try await publisher.value
      #expect(numbers == Array(0..<25))
      try await stream.settle()
    }
  }

  @Test func `what a member left comes first when it is back, and counts its attempts`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream()
    try await running(stream) {
      try await stream.publish(records(0..<5))
      let first = try await stream.consumer(group: "store", name: "one")
      let taken = try await first.next(limit: 3)
      try await first.acknowledge(Array(taken.prefix(1)))
      let second = try await stream.consumer(group: "store", name: "one")
      var deliveries: [Delivery] = []
      while deliveries.count < 4 { deliveries += try await second.next(limit: 100) }
      #expect(deliveries.map(\.record.number) == [1, 2, 3, 4])
      #expect(deliveries.map(\.attempt) == [2, 2, 1, 1])
      try await second.acknowledge(deliveries)
      try await stream.settle()
    }
    #expect(stream.statistics.redelivered == 2)
  }

  @Test func `a dead member's work is another's once its lease has run out`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream { $0.leaseMilliseconds = 200 }
    try await running(stream) {
      try await stream.publish(records(0..<20))
      let dead = try await stream.consumer(group: "store", name: "dead")
      let taken = try await dead.next(limit: 7)
      #expect(taken.count == 7)
      let heir = try await stream.consumer(group: "store", name: "heir")
      #expect(try await heir.take(20).map(\.number) == Array(0..<20))
      try await stream.settle()
    }
    #expect(stream.statistics.redelivered == 7)
  }

  @Test func `a member that closes hands over at once`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream { $0.leaseMilliseconds = 60_000 }
    try await running(stream) {
      try await stream.publish(records(0..<5))
      let first = try await stream.consumer(group: "store", name: "one")
      #expect(try await first.next(limit: 2).count == 2)
      await first.close()
      #expect(try await first.next(limit: 1).isEmpty)
      let second = try await stream.consumer(group: "store", name: "two")
      #expect(try await second.take(5).map(\.number) == Array(0..<5))
    }
  }

  @Test func `members share the shards and each key has one of them`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream {
      $0.shards = 2
      $0.mostShards = 1
      // A member that a busy machine holds up keeps its shard.
      $0.leaseMilliseconds = 60_000
    }
    let keys = ["A", "B", "C", "D", "E"]
    let taken = try await running(stream) {
      let both = [
        try await stream.consumer(group: "store", name: "one"), try await stream.consumer(group: "store", name: "two"),
      ]
      let counts = [0, 1].map { shard in keys.count { stream.options.shard(of: $0) == shard } }
      #expect(counts[0] > 0 && counts[1] > 0)
      try await stream.publish(records(0..<100, keys: keys))
      let tasks = both.map { consumer in
        Task {
          let first = try await consumer.take(1)
          let shard = stream.options.shard(of: try #require(first.first).key)
          return try await first + consumer.take(counts[shard] * 100 - 1)
        }
      }
      var taken: [[StreamRecord]] = []
      for task in tasks { taken.append(try await task.value) }
      return taken
    }
    #expect(Set(taken[0].map(\.key)).isDisjoint(with: taken[1].map(\.key)))
    #expect(taken.allSatisfy(isOrdered))
  }

  @Test func `a shard keeps about as many entries as it should`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream {
      $0.longestShard = 1000
      $0.mostHeld = 500
    }
    try await running(stream) {
      let consumer = try await stream.consumer(group: "store", name: "one")
      let publisher = Task { try await stream.publish(records(0..<5000)) }
      #expect(try await consumer.take(5000, limit: 500).map(\.number) == Array(0..<5000))
      try await publisher.value
      try await stream.settle()
    }
    let length = try #require(Int(try server.ask("XLEN", "test:0").dropFirst()))
    #expect((1000...1100).contains(length))
  }

  @Test func `what was trimmed away before it was acknowledged is counted, and all that is held comes again`()
    async throws
  {
    let server = try await RedisServer()
    let stream = try server.stream()
    try await running(stream) {
      try await stream.publish(records(0..<10))
      let first = try await stream.consumer(group: "store", name: "one")
      #expect(try await first.next(limit: 4).count == 4)
      try server.ask("XTRIM", "test:0", "MAXLEN", "=", "8")
      await first.close()
      let second = try await stream.consumer(group: "store", name: "two")
      #expect(try await second.take(8).map(\.number) == Array(2..<10))
      #expect(try await second.take(10).map(\.number) == Array(0..<10))
      try await stream.settle()
    }
    #expect(stream.statistics.trimmed == 2)
    #expect(stream.statistics.resent == 10)
  }

  @Test func `an entry that comes too often, and one of others, is put aside`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream { $0.mostDeliveries = 2 }
    try await running(stream) {
      try await stream.publish(records(0..<1))
      for attempt in 1...2 {
        let consumer = try await stream.consumer(group: "store", name: "one")
        #expect(try await consumer.next(limit: 1).map(\.attempt) == [attempt])
      }
      try server.ask("XADD", "test:0", "*", "price", "1")
      try await stream.publish(records(1..<2))
      let consumer = try await stream.consumer(group: "store", name: "one")
      #expect(try await consumer.take(1).map(\.number) == [1])
      try await stream.settle()
    }
    #expect(stream.statistics.deadLetters == 2)
    #expect(try server.ask("XLEN", "test:dead") == ":2")
    #expect(stream.statistics.lastTrouble?.description.contains("test:dead") == true)
  }

  @Test(arguments: ["killed", "emptied"])
  func `what Redis has forgotten is sent again`(how: String) async throws {
    let server = try await RedisServer()
    let stream = try server.stream()
    try await running(stream) {
      try await stream.publish(records(0..<20))
      try await stream.flush()
      let consumer = try await stream.consumer(group: "store", name: "one")
      let early = try await consumer.next(limit: 5)
      try await consumer.acknowledge(early)
      while stream.statistics.settled < 5 { await Task.yield() }
      if how == "killed" {
        server.kill()
        try await stream.publish(records(20..<30))
        try await server.start()
      } else {
        try server.ask("FLUSHALL")
        try await stream.publish(records(20..<30))
      }
      let rest = try await consumer.take(25).map(\.number)
      #expect(Set(rest).union(early.map(\.record.number)) == Set(0..<30))
      let last = Task { try await consumer.take(100) }
      try await stream.settle()
      last.cancel()
    }
    #expect(stream.statistics.resent >= 15)
  }

  @Test func `while Redis takes no writes events are held, and their order is kept`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream()
    try await running(stream) {
      let consumer = try await stream.consumer(group: "store", name: "one")
      try await stream.publish(records(0..<5))
      #expect(try await consumer.take(5).count == 5)
      try server.ask("CONFIG", "SET", "maxmemory", "1")
      for number in 5..<10 { try await stream.publish(records(number..<number + 1)) }
      while stream.statistics.troubles == 0 { await Task.yield() }
      #expect(stream.statistics.held >= 5)
      try server.ask("CONFIG", "SET", "maxmemory", "0")
      #expect(try await consumer.take(5).map(\.number) == Array(5..<10))
      try await stream.settle()
    }
  }

  @Test(arguments: Soak.seeds(3)) func `a wait that is cancelled loses nothing`(seed: UInt64) async throws {
    let server = try await RedisServer()
    let stream = try server.stream()
    try await running(stream) {
      var random = SplitMix64(seed: seed)
      let consumer = try await stream.consumer(group: "store", name: "one")
      var numbers: [Int] = []
      for number in 0..<30 {
        let wait = Task { try? await consumer.next(limit: 10) }
        if Bool.random(using: &random) {
          try await stream.publish(records(number..<number + 1))
        } else {
          wait.cancel()
          try await stream.publish(records(number..<number + 1))
        }
        try await Task.sleep(for: .microseconds(Int.random(in: 0...2000, using: &random)))
        wait.cancel()
        let deliveries = await wait.value ?? []
        numbers += deliveries.map(\.record.number)
        try await consumer.acknowledge(deliveries)
      }
      numbers += try await consumer.take(30 - numbers.count).map(\.number)
      #expect(numbers == Array(0..<30), "seed \(seed)")
      try await stream.settle()
    }
  }

  @Test func `whether Redis keeps what it is told is known, even where CONFIG is forbidden`() async throws {
    let server = try await RedisServer()
    let stream = try server.stream()
    let without = try await stream.durability()
    #expect(without.keepsLog == false)
    #expect(without.warnings.count == 1)
    #expect(without.warnings.first?.contains("appendonly yes") == true)
    try server.ask("CONFIG", "SET", "appendonly", "yes")
    try server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    let with = try await stream.durability()
    #expect(with == RedisDurability(keepsLog: true, synchronises: "everysec", eviction: "allkeys-lru"))
    #expect(with.warnings.first?.contains("noeviction") == true)
    try server.ask("ACL", "SETUSER", "default", "-config")
    let blind = try await stream.durability()
    #expect(blind.keepsLog == true)
    #expect(blind.synchronises == nil)
  }

  @Test func `wrong options and names are refused with what is right`() async throws {
    let server = try await RedisServer()
    for change in [
      { $0.groups = [] }, { $0.shards = 0 }, { $0.longestShard = $0.mostHeld }, { $0.leaseMilliseconds = 60 },
      { $0.groups = ["a", "a"] }, { $0.mostDeliveries = 0 },
    ] as [(inout RedisStreamOptions) -> Void] {
      #expect(throws: StreamError.self) { try server.stream(change) }
    }
    let stream = try server.stream()
    guard
      case .unknownGroup = await error(of: { () throws(StreamError) in
        try await stream.consumer(group: "other", name: "one")
      })
    else {
      Issue.record("an unknown group")
      return
    }
  }

  @Test func `a key that holds something else is an error with what to do, not a wait`() async throws {
    let server = try await RedisServer()
    try server.ask("SET", "test:0", "x")
    let stream = try server.stream()
    try await stream.publish(records(0..<1))
    let trouble = await error { () throws(StreamError) in try await stream.run() }
    #expect(trouble?.isTransient == false)
    #expect(trouble?.description.contains("another kind") == true)
  }
}
