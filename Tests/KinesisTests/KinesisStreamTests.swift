import Cloud
import FoundationEssentials
import Market
import TestSupport
import Testing
import Transport

@testable import Streams

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct KinesisStreamTests {
  /// Runs the stream beside what a test does with it.
  private static func running<Value: Sendable>(
    _ stream: KinesisStream, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        try await stream.run()
        return nil
      }
      group.addTask { try await body() }
      while let value = try await group.next() {
        guard let value else { continue }
        group.cancelAll()
        return value
      }
      throw CancellationError()
    }
  }

  @Test func `records arrive in order with their ids, and are settled when they are stored`() async throws {
    let stage = try KinesisStage()
    let stream = try stage.stream()
    let records = (0..<40).map { StreamRecord.made("BTCUSDT", $0) }
    try await Self.running(stream) {
      try await stream.publish(records)
      try await stream.flush()
      #expect(stream.statistics.held == 40)
      let consumer = try await stream.consumer(group: "store", name: "a")
      var seen: [StreamRecord] = []
      while seen.count < 40 {
        let deliveries = try await consumer.next(limit: 15)
        #expect(deliveries.count <= 15 && deliveries.allSatisfy { $0.attempt == 1 })
        seen += deliveries.map(\.record)
        try await consumer.acknowledge(deliveries)
      }
      #expect(seen == records)
      try await stream.settle()
      await consumer.close()
    }
    let statistics = stream.statistics
    #expect(statistics.published == 40 && statistics.settled == 40 && statistics.held == 0)
    #expect(statistics.delivered == 40 && statistics.acknowledged == 40 && statistics.redelivered == 0)
    // The hundredth-quintillionth number is longer than those before it, and later.
    #expect(stage.store.all.map(\.checkpoint.text) == ["100000000000000000029"])
    #expect(stage.store.all.map(\.owner) == [nil])
    #expect(stage.kinesis.puts.allSatisfy { $0.count == 1 })
  }

  @Test func `one request holds one record of each key`() async throws {
    let stage = try KinesisStage(shards: 3)
    let stream = try stage.stream()
    let records = (0..<60).map { StreamRecord.made("K\($0 % 6)", $0) }
    try await stream.publish(records)
    try await Self.running(stream) { try await stream.flush() }
    #expect(stage.kinesis.puts.map(\.count) == [Int](repeating: 6, count: 10))
  }

  @Test func `what fails is sent again with all of its key behind it, in order, and nothing else`() async throws {
    let stage = try KinesisStage()
    stage.kinesis.answer(
      "PutRecords",
      with: [
        ServerResponse(
          body: Array(
            """
            {"FailedRecordCount":1,"Records":[{"ShardId":"shardId-000000000000","SequenceNumber":"1"},
            {"ErrorCode":"InternalFailure","ErrorMessage":"words"},
            {"ShardId":"shardId-000000000000","SequenceNumber":"2"},
            {"ShardId":"shardId-000000000000","SequenceNumber":"3"}]}
            """.utf8))
      ])
    let stream = try stage.stream(KinesisStage.options { $0.recordsOfAKeyPerRequest = 10 })
    try await stream.publish([.made("A", 0), .made("B", 0), .made("A", 1), .made("B", 1)])
    try await Self.running(stream) { try await stream.flush() }
    #expect(stage.kinesis.puts.map { $0.map(\.key) } == [["B", "B"]])
    #expect(
      stage.kinesis.puts[0].map { String(decoding: $0.data.suffix(14), as: UTF8.self) } == [
        #"nt_id": "B-0"}"#, #"nt_id": "B-1"}"#,
      ])
    #expect(stream.statistics.resent == 2 && stream.statistics.troubles == 1)
  }

  @Test(arguments: Soak.seeds(6)) func `faults, members and resharding lose nothing and keep each key's order`(
    seed: UInt64
  ) async throws {
    var random = SplitMix64(seed: seed)
    let stage = try KinesisStage(
      shards: 1 + Int(random.next() % 3), seed: seed,
      .init(
        failedRecord: 5, throttled: 12, internalFailure: 15, lostAnswer: 15, expiredIterator: 8, emptyBatch: 4))
    stage.store.fail(oneIn: 15)
    let stream = try stage.stream(KinesisStage.options { $0.mostRead = 7 })
    let (keys, count) = (["A", "BB", "CCC", "DDDD", "EEEEE"], 60)
    let stored = Stored()
    let kinesis = stage.kinesis
    try await Self.running(stream) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for name in ["a", "b"] { group.addTask { try await stream.drain(name, into: stored, limit: 5) } }
        for number in 0..<count {
          try await stream.publish(keys.map { .made($0, number) })
          if number % 12 == 5 {
            try await stream.flush()
            kinesis.reshard()
          }
        }
        // A member that goes without a word.
        let gone = try await stream.consumer(group: "store", name: "gone")
        let reader = Task { try? await gone.next(limit: 3) }
        kinesis.reshard()
        reader.cancel()
        _ = await reader.value
        try await stream.settle()
        group.cancelAll()
        while let _ = try? await group.next() {}
      }
    }
    #expect(stored.count == keys.count * count, "seed \(seed)")
    for key in keys {
      #expect(stored.records(key) == (0..<count).map { .made(key, $0) }, "seed \(seed), key \(key)")
    }
  }

  @Test func `a dead member's shard is read on by another one from its checkpoint`() async throws {
    let stage = try KinesisStage()
    let (first, second) = (try stage.stream(), try stage.stream())
    try await first.publish((0..<10).map { .made("K", $0) })
    try await Self.running(first) { try await first.flush() }
    let dead = try await first.consumer(group: "store", name: "dead")
    let taken = try await dead.next(limit: 6)
    try await dead.acknowledge(Array(taken.prefix(4)))
    // Of another process, and no sign of life of the dead one.
    let heir = try await second.consumer(group: "store", name: "heir")
    var seen: [Int] = []
    while seen.count < 6 {
      let deliveries = try await heir.next(limit: 10)
      seen += deliveries.map(\.record.number)
      try await heir.acknowledge(deliveries)
    }
    #expect(seen == [4, 5, 6, 7, 8, 9])
    // What it still had in hand moves nothing.
    try await dead.acknowledge(Array(taken.suffix(2)))
    #expect(stage.store.all[0].owner == "heir")
    #expect(stage.store.all[0].checkpoint.text == "99999999999999999999")
  }

  @Test func `a member that comes back under its name goes on at once`() async throws {
    let stage = try KinesisStage()
    let options = KinesisStage.options { $0.leaseSeconds = 3600 }
    let stream = try stage.stream(options)
    try await stream.publish((0..<4).map { .made("K", $0) })
    try await Self.running(stream) { try await stream.flush() }
    let before = try await stream.consumer(group: "store", name: "me")
    try await before.acknowledge(try await before.next(limit: 1))
    let after = try await stream.consumer(group: "store", name: "me")
    let again = try await after.next(limit: 10)
    #expect(again.map(\.record.number) == [1, 2, 3] && again.allSatisfy { $0.attempt == 2 })
    #expect(stream.statistics.redelivered == 3)
  }

  @Test func `shards are shared out between members, and given back on closing`() async throws {
    let stage = try KinesisStage(shards: 4)
    let stream = try stage.stream(
      KinesisStage.options {
        $0.mostShards = 2
        $0.leaseSeconds = 3600
      })
    for number in 0..<40 { stage.kinesis.add(Array("{\"n\":\(number)}".utf8), key: "\(number) and what makes a hash") }
    let (a, b) = (
      try await stream.consumer(group: "store", name: "a"), try await stream.consumer(group: "store", name: "b")
    )
    var seen: Set<String> = []
    for consumer in [a, b] {
      var shards: Set<String> = []
      while shards.count < 2 {
        let deliveries = try await consumer.next(limit: 100)
        shards.formUnion(deliveries.map(\.position.shard))
        seen.formUnion(deliveries.map(\.record.id))
      }
    }
    #expect(stage.store.all.map(\.owner).count { $0 == "a" } == 2)
    #expect(stage.store.all.map(\.owner).count { $0 == "b" } == 2)
    #expect(seen.count == 40)
    await a.close()
    #expect(stage.store.all.map(\.owner).count { $0 == nil } == 2)
    #expect(try await a.next(limit: 1).isEmpty)
  }

  @Test func `a group begins at a time, and another group has everything`() async throws {
    let stage = try KinesisStage()
    for number in 0..<10 {
      stage.kinesis.add(
        Array("{\"n\":\(number)}".utf8), key: "K", milliseconds: 1_790_000_000_000 + Int64(number) * 1000)
    }
    let stream = try stage.stream(
      KinesisStage.options {
        $0.groups = ["late", "store"]
        $0.start = .at(Timestamp(milliseconds: 1_790_000_006_000))
      })
    let late = try await stream.consumer(group: "late", name: "a")
    #expect(try await late.next(limit: 100).count == 4)
    let other = try stage.stream(KinesisStage.options { $0.groups = ["store"] })
    let all = try await other.consumer(group: "store", name: "a")
    let deliveries = try await all.next(limit: 100)
    #expect(deliveries.map(\.record.id).first == "shardId-000000000000:99999999999999999990")
    #expect(deliveries.count == 10)
    await #expect(throws: StreamError.unknownGroup(stream: "ticks", group: "x", known: ["store"])) {
      _ = try await other.consumer(group: "x", name: "a")
    }
  }

  @Test func `what is no event is put aside and holds nothing up`() async throws {
    let stage = try KinesisStage()
    stage.kinesis.add([0xF3, 0x89, 0x9A, 0xC2, 1], key: "K")
    stage.kinesis.add(Array("text".utf8), key: "K")
    let stream = try stage.stream()
    try await stream.publish([.made("K", 7)])
    try await Self.running(stream) {
      let consumer = try await stream.consumer(group: "store", name: "a")
      let deliveries = try await consumer.next(limit: 10)
      #expect(deliveries.map(\.record) == [.made("K", 7)])
      try await consumer.acknowledge(deliveries)
      try await stream.settle()
    }
    #expect(stream.statistics.deadLetters == 2)
  }

  @Test func `a stream that is missing ends the work with its name`() async throws {
    let stage = try KinesisStage()
    let stream = try stage.stream(KinesisStage.options { $0.name = "nope" })
    try await stream.publish([.made("K", 1)])
    await #expect {
      try await stream.run()
    } throws: { error in
      guard case .unavailable("nope", let reason, isTransient: false)? = error as? StreamError else { return false }
      return reason.contains("no stream nope")
    }
    let consumer = try await stream.consumer(group: "store", name: "a")
    await #expect(throws: StreamError.self) { try await consumer.next(limit: 1) }
  }

  @Test func `publishers wait for room, and are told of the end`() async throws {
    let stage = try KinesisStage()
    let stream = try stage.stream(KinesisStage.options { $0.mostUnsent = 5 })
    let publisher = Task { try await stream.publish((0..<50).map { .made("K\($0)", $0) }) }
    try await Self.running(stream) { try await publisher.value }
    #expect(stream.statistics.published == 50)
    await stream.close()
    await #expect(throws: StreamError.closed(stream: "ticks")) { try await stream.publish([.made("K", 1)]) }
    await #expect(throws: StreamError.self) {
      try await stream.publish([StreamRecord(id: "a", key: "k", body: Array("[]".utf8))])
    }
  }

  @Test func `options that make no sense are refused`() throws {
    let stage = try KinesisStage()
    let changes: [(inout KinesisStreamOptions) -> Void] = [
      { $0.groups = [] }, { $0.name = "" }, { $0.recordsOfAKeyPerRequest = 0 }, { $0.leaseSeconds = 0 },
      { $0.mostShards = 0 }, { $0.mostRead = 10_001 }, { $0.pollSeconds = .nan }, { $0.mostUnsent = 0 },
    ]
    for change in changes {
      #expect(throws: StreamError.self) { try stage.stream(KinesisStage.options(change)) }
    }
  }

  @Test func `records go through moto`() async throws {
    let moto = try await MotoServer.shared.value
    let http = try HTTPClient()
    let access = try CloudAccess(
      credentials: try CloudCredentials(accessKeyId: "AKIDEXAMPLE", secretAccessKey: Secret("sesame")),
      region: "us-east-1", endpoints: ["": try CloudEndpoint(moto.url)])
    let name = "t-" + UUID().uuidString
    let surroundings = Surroundings(
      now: { Timestamp(milliseconds: 1_790_000_000_000) }, chance: { 0.5 }, pause: { _ in })
    try await KinesisClient(http, access, surroundings).createStream(name, shards: 2)
    let stream = try KinesisStage.stream(
      KinesisStage.options { $0.name = name }, http, url: moto.url, MemoryCheckpointStore())
    let keys = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    let stored = Stored()
    try await Self.running(stream) {
      for number in 0..<20 { try await stream.publish(keys.map { .made($0, number) }) }
      let reader = Task { try await stream.drain("a", into: stored) }
      try await stream.settle()
      reader.cancel()
      try await reader.value
    }
    for key in keys { #expect(stored.records(key).map(\.number) == Array(0..<20)) }
  }
}
