package import Redis
internal import Synchronization

/// A stream through Redis Streams and consumer groups.
///
/// A publisher holds what it published until every group has acknowledged it. When Redis comes back as another run of
/// itself, after a crash or on another machine, what is held is sent again: whether Redis kept it does not matter.
/// Within a group each shard is read by one member at a time, which holds a lease on it.
package final class RedisStream: EventStream {
  /// Which run of the server is known.
  private struct Acquaintance {
    /// The client's connection that was last looked at.
    var generation: UInt64?
    var run: String?
  }

  package let options: RedisStreamOptions
  private let redis: RedisOptions
  private let client: RedisClient
  private let outbox: Outbox<Spool>
  private let acquaintance = Mutex(Acquaintance())
  private let tally = Tally()

  /// Connects by itself, and each consumer once more.
  package init(_ options: RedisStreamOptions, redis: RedisOptions) throws(StreamError) {
    try options.validate()
    (self.options, self.redis) = (options, redis)
    do throws(RedisError) {
      client = try RedisClient(redis)
    } catch {
      throw StreamError(error, stream: options.name)
    }
    outbox = Outbox(
      Spool(mostRecords: options.mostHeld, mostBytes: options.mostHeldBytes), stream: options.name, tally: tally)
  }

  package var name: String { options.name }

  package var statistics: StreamStatistics {
    var statistics = tally.value
    statistics.held = outbox.withLock(\.count)
    return statistics
  }

  /// What its connection for publishing has seen.
  package var connection: RedisStatistics { client.statistics }

  // MARK: Publishing

  package func publish(_ records: [StreamRecord]) async throws(StreamError) {
    for record in records { try record.validate() }
    try await outbox.publish(records) { spool, rest in spool.append(rest) { options.shard(of: $0.key) } }
  }

  package func flush() async throws(StreamError) { try await outbox.wait { $0.unsentCount == 0 } }

  package func settle() async throws(StreamError) { try await outbox.wait { $0.count == 0 } }

  // MARK: Work

  package func run() async throws(StreamError) {
    while !Task.isCancelled, !outbox.isClosed {
      let version = outbox.changes.version
      do throws(RedisError) {
        try await recogniseRun()
        if try await sendBatch() { continue }
        try await settleHeld()
        let isIdle = outbox.withLock { $0.count == 0 }
        if isIdle {
          await outbox.changes.wait(after: version)
        } else {
          await outbox.changes.wait(after: version, atMost: options.settlePause)
        }
      } catch {
        try await recover(error)
      }
    }
  }

  private func recover(_ error: RedisError) async throws(StreamError) {
    let trouble = StreamError(error, stream: name)
    switch error {
    case .cancelled, .closed: return
    case .noGroup: acquaintance.withLock { $0.generation = nil }
    case _ where !error.isTransient: throw trouble
    default: break
    }
    tally.trouble(trouble)
    try? await Task.sleep(for: options.retryPause)
  }

  /// False if there is nothing to send.
  private func sendBatch() async throws(RedisError) -> Bool {
    let isEmpty = outbox.withLock { $0.unsentCount == 0 }
    if isEmpty { return false }
    let batch = outbox.withLock { $0.unsent(options.batch) }
    // All or none, so that what is refused is not overtaken by what comes after it.
    let answers = try await client.transaction(
      batch.map { record, shard in
        RedisCommand(
          "XADD",
          [.init(options.shardKey(shard)), "MAXLEN", "~", .init(options.longestShard), "*"] + RedisEntry.fields(record))
      })
    let ids = answers.compactMap { $0.text.flatMap { EntryID($0) } }
    guard ids.count == batch.count else {
      throw .unexpected(server: redis.address.description, command: "XADD", answer: "something else than an id")
    }
    outbox.withLock { $0.sent(ids) }
    outbox.changes.ring()
    return true
  }

  private func settleHeld() async throws(RedisError) {
    for (shard, oldest) in outbox.withLock(\.oldestSent) {
      let (key, id) = (RedisCommand.Argument(options.shardKey(shard)), RedisCommand.Argument(oldest.description))
      let answers = try await client.transaction(
        [RedisCommand("XRANGE", key, id, id), RedisCommand("XINFO", "GROUPS", key)]
          + options.groups.map { RedisCommand("XPENDING", key, .init($0)) })
      guard
        let progress = GroupProgress(
          groups: options.groups, information: answers[1], pending: Array(answers.dropFirst(2)))
      else { throw .noGroup(server: redis.address.description) }
      // What another run says is about other entries.
      guard acquaintance.withLock({ $0.generation == client.statistics.connections }) else { return }
      // Somebody has deleted the stream, and may have made it anew, or it was trimmed too early.
      guard answers[0].array?.isEmpty == false else { return sendAgain() }
      let settled = outbox.withLock { $0.settle(shard, upTo: progress.settled) }
      guard settled > 0 else { continue }
      tally.count { $0.settled += UInt64(settled) }
      outbox.changes.ring()
    }
  }

  private func sendAgain() {
    let resent = outbox.withLock { $0.forgetSent() }
    tally.count { $0.resent += UInt64(resent) }
    outbox.changes.ring()
  }

  /// Sends again what is held if this is another run of the server than before, and sees to the groups.
  private func recogniseRun() async throws(RedisError) {
    let generation = client.statistics.connections
    guard acquaintance.withLock({ $0.generation != generation }) else { return }
    let run = try await runID() ?? "connection \(generation)"
    try await Self.createGroups(options, client)
    let isAnother = acquaintance.withLock { known in
      // Without its groups the stream may have been deleted, by whoever did it.
      let isAnother = known.run != nil && (known.run != run || known.generation == nil)
      (known.run, known.generation) = (run, generation)
      return isAnother
    }
    if isAnother { sendAgain() }
  }

  /// `nil` where that is not told.
  private func runID() async throws(RedisError) -> String? {
    let answer: RedisValue
    do throws(RedisError) {
      answer = try await client.send(RedisCommand("INFO", "server"))
    } catch {
      // Some who offer Redis as a service forbid the question.
      guard case .notPermitted = error else { throw error }
      return nil
    }
    let information = RedisInformation(answer)
    if let version = information["redis_version"], let major = Int(version.prefix { $0 != "." }), major < 7 {
      throw .tooOld(server: redis.address.description, version: version, needed: "7.0")
    }
    return information["run_id"]
  }

  static func createGroups(_ options: RedisStreamOptions, _ client: RedisClient) async throws(RedisError) {
    let commands = (0..<options.shards).flatMap { shard in
      options.groups.map { group in
        RedisCommand("XGROUP", "CREATE", .init(options.shardKey(shard)), .init(group), "0", "MKSTREAM")
      }
    }
    for answer in try await client.pipeline(commands) {
      guard case .error(let error) = answer else { continue }
      if case .groupExists = error { continue }
      throw error
    }
  }

  // MARK: Others

  package func consumer(group: String, name: String) async throws(StreamError) -> any StreamConsumer {
    guard options.groups.contains(group) else {
      throw .unknownGroup(stream: self.name, group: group, known: options.groups)
    }
    guard (1...StreamRecord.longestName).contains(name.utf8.count) else {
      throw .badOptions(stream: self.name, reason: "the name of a member has 1 to 256 bytes")
    }
    return try RedisConsumer(options, redis, group: group, name: name, client: client, tally: tally)
  }

  package func close() async {
    outbox.close()
    client.close()
  }

  /// Whether the server keeps what it has been told, for those who set up machines.
  package func durability() async throws(StreamError) -> RedisDurability {
    do throws(RedisError) {
      return try await RedisDurability(asking: client)
    } catch {
      throw StreamError(error, stream: name)
    }
  }
}
