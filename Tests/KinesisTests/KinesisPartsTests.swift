import Market
import TestSupport
import Testing

@testable import Cloud
@testable import Streams

/// What decides, without any server.
struct KinesisPartsTests {
  private static func sequence(_ number: Int) -> SequenceNumber { SequenceNumber(String(number))! }

  // MARK: Envelope

  private static func back(_ record: StreamRecord) throws -> StreamRecord? {
    let entry = try KinesisEnvelope.entry(record)
    let read = KinesisRecord(sequence: sequence(1), key: entry.key, data: entry.data, arrived: nil)
    guard case .record(let found) = KinesisEnvelope.content(read, shard: "s") else { return nil }
    return found
  }

  @Test(arguments: [
    "{}", "{ }", #"{"a":1}"#, #"{"a": {"b": [1, 2]}, "c": "\"}"}"#, #"{"event_id": "other", "n": 1}"#,
    "{\n\"a\": null\n}",
  ])
  func `a body and its id come back as they were`(body: String) throws {
    for id in ["a", "binance:BTCUSDT:1700000000000", #"q"u\o"t e"#, "ä/€", "}", ", \"event_id\": \"x\"}"] {
      let record = StreamRecord(id: id, key: "BTCUSDT", body: Array(body.utf8))
      #expect(try Self.back(record) == record, "\(body) \(id)")
    }
  }

  @Test func `an event of this program is an object with one more member`() throws {
    let entry = try KinesisEnvelope.entry(.init(id: "x", key: "K", body: Array(#"{"n": 1}"#.utf8)))
    #expect(String(decoding: entry.data, as: UTF8.self) == #"{"n": 1, "event_id": "x"}"#)
    #expect(entry.key == "K")
  }

  @Test(arguments: Soak.seeds(100)) func `damaged records are put aside or have an id`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let corpus = try ["{}", #"{"a": {"b": [1, 2]}, "c": "x"}"#].map {
      try KinesisEnvelope.entry(.init(id: "id-1", key: "K", body: Array($0.utf8))).data
    }
    for _ in 0..<50 {
      let record = KinesisRecord(sequence: Self.sequence(5), key: "K", data: mutator.frame(of: corpus), arrived: nil)
      guard case .record(let found) = KinesisEnvelope.content(record, shard: "s") else { continue }
      #expect(!found.id.isEmpty && found.body.first == UInt8(ascii: "{"), "seed \(seed)")
    }
  }

  // MARK: Queue

  @Test func `the checkpoint stops before the first that is not stored`() {
    var queue = ShardQueue(.start)
    for number in [9, 10, 11, 12] { #expect(queue.append(Self.sequence(number), isStored: false) == true) }
    #expect(queue.append(Self.sequence(10), isStored: false) == false)
    #expect([10, 12].map { queue.store(Self.sequence($0)) } == [true, true])
    #expect(queue.advance() == false)
    #expect(queue.checkpoint == .start)
    #expect([9, 9].map { queue.store(Self.sequence($0)) } == [true, false])
    #expect(queue.advance() == true)
    #expect(queue.checkpoint == .after(Self.sequence(10)))
    queue.finishReading()
    #expect(queue.advance() == false)
    #expect(queue.store(Self.sequence(13)) == false)
    #expect(queue.store(Self.sequence(11)) == true)
    #expect(queue.advance() == true)
    #expect(queue.isFinished)
  }

  @Test func `an empty shard is finished when it is read`() {
    var queue = ShardQueue(.after(Self.sequence(5)))
    queue.finishReading()
    #expect(queue.advance() == true)
    #expect(queue.checkpoint == .end)
  }

  @Test(arguments: Soak.seeds(30)) func `storing in any order ends at the last one`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var queue = ShardQueue(.start)
    var stored = Set<Int>()
    let numbers = (1...3000).map { $0 * 3 }
    for number in numbers { _ = queue.append(Self.sequence(number), isStored: false) }
    for (index, number) in numbers.shuffled(using: &random).enumerated() {
      #expect(queue.store(Self.sequence(number)) == true)
      stored.insert(number)
      guard index % 97 == 0 else { continue }
      _ = queue.advance()
      let expected = numbers.prefix { stored.contains($0) }.last
      #expect(queue.checkpoint == (expected.map { .after(Self.sequence($0)) } ?? .start), "seed \(seed)")
    }
    _ = queue.advance()
    #expect(queue.checkpoint == .after(Self.sequence(9000)))
  }

  // MARK: Spool

  private static func entry(_ key: String) -> KinesisEntry { KinesisEntry(key: key, data: [1]) }
  private static func done(_ number: Int, shard: String = "s") -> KinesisPut {
    .done(shard: shard, sequence: sequence(number))
  }

  @Test func `behind a failed record all of its key stay, the others go`() {
    var spool = KinesisSpool(mostRecords: 100, mostBytes: 1000, mostOfKey: 10)
    #expect(spool.append(["A", "B", "A", "B", "A"].map(Self.entry)[...]) == 5)
    let batch = spool.batch()
    let failed = KinesisPut.failed(code: "InternalFailure", message: "")
    #expect(spool.settle(batch, [Self.done(1), failed, Self.done(2), Self.done(3), failed]) == 3)
    let next = spool.batch()
    #expect(next.entries.map(\.key) == ["B", "B", "A"] && next.resent == 3)
    #expect(spool.writtenCount == 2)
    #expect(spool.acknowledge("s") { $0 <= Self.sequence(1) } == 0)
    #expect(spool.acknowledge("s") { $0 <= Self.sequence(2) } == 2)
    #expect(spool.settle(next, [Self.done(4), Self.done(5), Self.done(6)]) == 0)
    #expect(spool.unsentCount == 0 && spool.writtenCount == 3)
  }

  @Test func `room is bounded by records and bytes, and one always fits`() {
    var spool = KinesisSpool(mostRecords: 3, mostBytes: 10, mostOfKey: 1)
    let large = KinesisEntry(key: "K", data: [UInt8](repeating: 0, count: 100))
    #expect(spool.append([large, large]) == 1)
    #expect(spool.settle(spool.batch(), [Self.done(1)]) == 0)
    #expect(spool.append([Self.entry("A"), Self.entry("A"), Self.entry("B"), Self.entry("C")]) == 3)
    #expect(spool.batch().entries.map(\.key) == ["A", "B"])
  }

  @Test func `a batch keeps to what a request may hold`() {
    var spool = KinesisSpool(mostRecords: 10_000, mostBytes: 1 << 30, mostOfKey: 1)
    _ = spool.append((0..<1200).map { Self.entry("K\($0)") }[...])
    #expect(spool.batch().entries.count == 500)
    var heavy = KinesisSpool(mostRecords: 10_000, mostBytes: 1 << 30, mostOfKey: 1)
    _ = heavy.append((0..<12).map { KinesisEntry(key: "K\($0)", data: [UInt8](repeating: 0, count: 1_000_000)) }[...])
    #expect(heavy.batch().entries.count == 5)
  }

  // MARK: Leases

  private static func shard(_ id: String, _ parents: [String] = []) -> KinesisShard {
    KinesisShard(id: id, parents: parents, isClosed: false)
  }

  private static func row(_ shard: String, _ owner: String?, _ counter: Int64, _ end: ShardCheckpoint = .start)
    -> ShardLease
  {
    ShardLease(shard: shard, owner: owner, counter: counter, checkpoint: end)
  }

  @Test func `children are read when their parents are at their end or gone`() {
    var leases = ShardLeases(MemoryCheckpointStore(), stream: "s", group: "g", member: "me")
    let shards = [
      Self.shard("p"), Self.shard("q"), Self.shard("child", ["p", "q"]), Self.shard("orphan", ["expired"]),
    ]
    func claims(_ rows: [ShardLease]) -> [String] {
      leases.claims(shards, rows, held: [], most: 10, leaseSeconds: 10, at: .init(minute: 0)).map(\.lease.shard)
    }
    #expect(claims([]) == ["p", "q", "orphan"])
    #expect(claims([Self.row("p", nil, 4, .end), Self.row("q", "other", 1)]) == ["orphan"])
    #expect(claims([Self.row("p", nil, 4, .end), Self.row("q", nil, 2, .end)]) == ["child", "orphan"])
  }

  @Test func `a lease is taken when its counter stands still for its length`() {
    var leases = ShardLeases(MemoryCheckpointStore(), stream: "s", group: "g", member: "me")
    func claims(_ counter: Int64, seconds: Int64, owner: String = "other") -> [ShardLeases.Claim] {
      leases.claims(
        [Self.shard("a")], [Self.row("a", owner, counter, .after(Self.sequence(7)))], held: [], most: 1,
        leaseSeconds: 10, at: Timestamp(microseconds: seconds * 1_000_000))
    }
    #expect(claims(1, seconds: 0).isEmpty)
    #expect(claims(1, seconds: 9).isEmpty)
    #expect(claims(2, seconds: 12).isEmpty)
    #expect(claims(2, seconds: 21).isEmpty)
    let taken = ShardLeases.Claim(lease: Self.row("a", "me", 3, .after(Self.sequence(7))), replaced: 2)
    #expect(claims(2, seconds: 22) == [taken])
    #expect(claims(5, seconds: 23, owner: "me").map(\.replaced) == [5])
  }

  @Test func `a member takes no more than it may`() {
    var leases = ShardLeases(MemoryCheckpointStore(), stream: "s", group: "g", member: "me")
    let claims = leases.claims(
      ["a", "b", "c", "d"].map { Self.shard($0) }, [], held: ["a"], most: 3, leaseSeconds: 10, at: .init(minute: 0))
    #expect(claims.map(\.lease.shard) == ["b", "c"])
    #expect(claims.allSatisfy { $0.replaced == nil && $0.lease.counter == 1 })
  }

  @Test func `checkpoints are kept as text`() throws {
    for text in ["", "0", "49543463076548007577105092703039560359975228518395012686", "SHARD_END"] {
      #expect(try #require(ShardCheckpoint(text: text)).text == text)
    }
    for text in ["-1", "shard_end", "1.5", " "] { #expect(ShardCheckpoint(text: text) == nil) }
  }
}
