package import Cloud
internal import Synchronization

/// A stream through Kinesis Data Streams.
///
/// A publisher holds what it published until Kinesis has it, which keeps it for a day or longer. Within a group each
/// shard is read by one member at a time, which holds a lease on it in the checkpoint store; how far it got stands
/// there too. Shards that come of a split or a merge are read when those before them are read to their end.
package final class KinesisStream: EventStream {
  package let options: KinesisStreamOptions
  private let client: KinesisClient
  private let store: any CheckpointStore
  private let outbox: Outbox<KinesisSpool>
  private let tally = Tally()
  private let furthest = FurthestDelivered()

  package init(
    _ options: KinesisStreamOptions, _ client: KinesisClient, checkpoints store: any CheckpointStore
  ) throws(StreamError) {
    try options.validate()
    (self.options, self.client, self.store) = (options, client, store)
    outbox = Outbox(
      KinesisSpool(
        mostRecords: options.mostUnsent, mostBytes: options.mostUnsentBytes,
        mostOfKey: options.recordsOfAKeyPerRequest), stream: options.name, tally: tally)
  }

  package var name: String { options.name }

  package var statistics: StreamStatistics {
    var statistics = tally.value
    statistics.held = outbox.withLock { $0.unsentCount + $0.writtenCount }
    return statistics
  }

  // MARK: Publishing

  package func publish(_ records: [StreamRecord]) async throws(StreamError) {
    var entries: [KinesisEntry] = []
    for record in records {
      try record.validate()
      entries.append(try KinesisEnvelope.entry(record))
    }
    try await outbox.publish(entries) { $0.append($1) }
  }

  /// What is flushed stands in Kinesis.
  package func flush() async throws(StreamError) { try await outbox.wait { $0.unsentCount == 0 } }

  package func settle() async throws(StreamError) { try await outbox.wait { $0.unsentCount + $0.writtenCount == 0 } }

  // MARK: Work

  package func run() async throws(StreamError) {
    var failures = 0
    while !Task.isCancelled, !outbox.isClosed {
      let version = outbox.changes.version
      do throws(StreamError) {
        switch try await writeBatch() {
        case .nothing:
          try await settleWritten()
          await rest(version)
        case .all: failures = 0
        case .some:
          failures += 1
          try await pause(afterFailures: failures)
        }
      } catch {
        if case .cancelled = error { return }
        guard error.isTransient else { throw error }
        tally.trouble(error)
        failures += 1
        try? await pause(afterFailures: failures)
      }
    }
  }

  private enum Progress { case nothing, all, some }

  private func writeBatch() async throws(StreamError) -> Progress {
    let batch = outbox.withLock { $0.batch() }
    if batch.entries.isEmpty { return .nothing }
    if batch.resent > 0 { tally.count { $0.resent += UInt64(batch.resent) } }
    let results: [KinesisPut]
    do throws(CloudError) {
      results = try await client.put(batch.entries, into: name)
    } catch {
      throw StreamError(error, stream: name)
    }
    let left = outbox.withLock { $0.settle(batch, results) }
    if left > 0 { tally.trouble(Self.trouble(results, stream: name)) }
    outbox.changes.ring()
    return left == 0 ? .all : .some
  }

  private static func trouble(_ results: [KinesisPut], stream: String) -> StreamError {
    for case .failed(let code, let message) in results {
      return .unavailable(stream: stream, reason: "a record was not taken: \(code): \(message)", isTransient: true)
    }
    return .unavailable(stream: stream, reason: "a record was not taken", isTransient: true)
  }

  /// How far the slowest group is.
  private func settleWritten() async throws(StreamError) {
    let shards = outbox.withLock { $0.writtenShards }
    if shards.isEmpty { return }
    var checkpoints: [[String: ShardCheckpoint]] = []
    for group in options.groups {
      let leases = try await store.leases(stream: name, group: group)
      checkpoints.append(Dictionary(leases.map { ($0.shard, $0.checkpoint) }, uniquingKeysWith: { $1 }))
    }
    for shard in shards {
      let settled = outbox.withLock { spool in
        spool.acknowledge(shard) { last in checkpoints.allSatisfy { $0[shard]?.covers(last) ?? false } }
      }
      guard settled > 0 else { continue }
      tally.count { $0.settled += UInt64(settled) }
      outbox.changes.ring()
    }
  }

  private func rest(_ version: UInt64) async {
    let isIdle = outbox.withLock { $0.unsentCount + $0.writtenCount == 0 }
    if isIdle { return await outbox.changes.wait(after: version) }
    await outbox.changes.wait(after: version, atMost: .seconds(options.settleSeconds))
  }

  private func pause(afterFailures failures: Int) async throws(StreamError) {
    let surroundings = client.surroundings
    let seconds = options.backoff.seconds(afterFailures: failures, chance: surroundings.chance())
    do { try await surroundings.pause(seconds) } catch { throw .cancelled(stream: name) }
  }

  // MARK: Others

  package func consumer(group: String, name: String) async throws(StreamError) -> any StreamConsumer {
    guard options.groups.contains(group) else {
      throw .unknownGroup(stream: self.name, group: group, known: options.groups)
    }
    guard (1...StreamRecord.longestName).contains(name.utf8.count) else {
      throw .badOptions(stream: self.name, reason: "the name of a member has 1 to 256 bytes")
    }
    return KinesisConsumer(
      options, client, ShardLeases(store, stream: self.name, group: group, member: name), tally, furthest)
  }

  package func close() async {
    outbox.close()
  }
}

/// The last record of each shard that was delivered in this process, by group: what comes again is known as such.
final class FurthestDelivered: Sendable {
  private let last = Mutex<[String: SequenceNumber]>([:])

  /// Whether it was delivered before.
  func deliver(_ sequence: SequenceNumber, shard: String, group: String) -> Bool {
    last.withLock { last in
      let place = group + "\n" + shard
      guard let furthest = last[place], sequence <= furthest else {
        last[place] = sequence
        return false
      }
      return true
    }
  }
}

extension StreamError {
  init(_ error: CloudError, stream: String) {
    if case .cancelled = error {
      self = .cancelled(stream: stream)
    } else {
      self = .unavailable(stream: stream, reason: error.description, isTransient: error.isTransient)
    }
  }
}
