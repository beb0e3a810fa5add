import Cloud
import Glibc
import Market
import Streams
import Synchronization
import TestSupport
import Transport

/// Rows in memory, as a database would keep them.
final class MemoryCheckpointStore: CheckpointStore {
  private struct State {
    var rows: [String: ShardLease] = [:]
    var random = SplitMix64(seed: 3)
    var failsOneIn: UInt64 = 0

    mutating func isLost() -> Bool { failsOneIn > 0 && random.next() % failsOneIn == 0 }
  }

  private let state = Mutex(State())

  /// In one of so many calls an answer is lost; the row may have been written.
  func fail(oneIn count: UInt64) { state.withLock { $0.failsOneIn = count } }

  var all: [ShardLease] { state.withLock { $0.rows.values.sorted { $0.shard < $1.shard } } }

  func leases(stream: String, group: String) async throws(StreamError) -> [ShardLease] {
    let (rows, isLost) = state.withLock { state -> ([ShardLease], Bool) in
      (state.rows.filter { $0.key.hasPrefix("\(stream) \(group) ") }.map(\.value), state.isLost())
    }
    if isLost { throw .unavailable(stream: stream, reason: "the database is away", isTransient: true) }
    return rows
  }

  func write(
    _ lease: ShardLease, stream: String, group: String, replacing counter: Int64?
  ) async throws(StreamError) -> Bool {
    let (isWritten, isLost) = state.withLock { state -> (Bool, Bool) in
      let place = "\(stream) \(group) \(lease.shard)"
      let isMine = state.rows[place]?.counter == counter
      if isMine { state.rows[place] = lease }
      return (isMine, state.isLost())
    }
    if isLost { throw .unavailable(stream: stream, reason: "the database is away", isTransient: true) }
    return isWritten
  }
}

/// A fake Kinesis that is served, and streams through it.
struct KinesisStage {
  let kinesis: FakeKinesis
  let server: HTTPServer
  let store = MemoryCheckpointStore()
  private let http: HTTPClient

  init(shards: Int = 1, seed: UInt64 = 1, _ faults: FakeKinesis.Faults = .init()) throws {
    kinesis = FakeKinesis(shards: shards, seed: seed, faults)
    server = try HTTPServer(handler: kinesis)
    http = try HTTPClient()
  }

  /// Short pauses, so that tests do not wait.
  static func options(_ change: (inout KinesisStreamOptions) -> Void = { _ in }) -> KinesisStreamOptions {
    var options = KinesisStreamOptions(name: FakeKinesis.stream, groups: ["store"])
    (options.pollSeconds, options.catchUpSeconds, options.settleSeconds) = (0.005, 0.001, 0.005)
    options.leaseSeconds = 0.6
    options.backoff = quick
    change(&options)
    return options
  }

  private static let quick = Backoff(attempts: 4, firstSeconds: 0.001, longestSeconds: 0.005)

  func stream(_ options: KinesisStreamOptions = KinesisStage.options()) throws -> KinesisStream {
    try Self.stream(options, http, url: "http://127.0.0.1:\(server.port)", store)
  }

  static func stream(
    _ options: KinesisStreamOptions, _ http: HTTPClient, url: String, _ store: MemoryCheckpointStore
  ) throws -> KinesisStream {
    let access = try CloudAccess(
      credentials: try CloudCredentials(accessKeyId: "AKIDEXAMPLE", secretAccessKey: Secret("sesame")),
      region: "us-east-1", endpoints: ["": try CloudEndpoint(url)])
    let client = KinesisClient(http, access, surroundings, backoff: quick, timeoutSeconds: 20)
    return try KinesisStream(options, client, checkpoints: store)
  }

  private static var surroundings: Surroundings {
    Surroundings(
      now: {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
      }, chance: { .random(in: 0..<1) }, pause: { try await Task.sleep(for: .seconds($0)) })
  }
}

extension StreamRecord {
  static func made(_ key: String, _ number: Int) -> StreamRecord {
    StreamRecord(id: "\(key)-\(number)", key: key, body: Array("{\"n\": \(number)}".utf8))
  }

  /// Of a made one.
  var number: Int { Int(id.split(separator: "-").last ?? "") ?? -1 }
}

/// What a store that writes by identity holds, and in which order each key's records came first.
final class Stored: Sendable {
  private let order = Mutex<[String: [StreamRecord]]>([:])
  private let ids = Mutex<[String: Int]>([:])

  var count: Int { ids.withLock { $0.count } }
  var deliveries: Int { ids.withLock { $0.values.reduce(0, +) } }
  func records(_ key: String) -> [StreamRecord] { order.withLock { $0[key] ?? [] } }

  func add(_ record: StreamRecord) {
    let isNew = ids.withLock { ids in
      ids[record.id, default: 0] += 1
      return ids[record.id] == 1
    }
    if isNew { order.withLock { $0[record.key, default: []].append(record) } }
  }
}

extension KinesisStream {
  /// Stores until it is cancelled or the stream ends.
  func drain(_ name: String, into stored: Stored, limit: Int = 100) async throws {
    let consumer = try await consumer(group: "store", name: name)
    while !Task.isCancelled {
      let deliveries: [Delivery]
      do {
        deliveries = try await consumer.next(limit: limit)
      } catch StreamError.cancelled {
        break
      }
      if deliveries.isEmpty { break }
      for delivery in deliveries { stored.add(delivery.record) }
      do { try await consumer.acknowledge(deliveries) } catch StreamError.cancelled { break }
    }
    await consumer.close()
  }
}
