package import Redis
internal import Synchronization

/// A stream through Redis Streams and consumer groups.
///
/// A publisher holds what it published until every group has acknowledged it. When Redis comes back as another run of
/// itself, after a crash or on another machine, what is held is sent again: whether Redis kept it does not matter.
/// Within a group each shard is read by one member at a time, which holds a lease on it.
package final class RedisStream: EventStream {
  private struct State {
    var spool: Spool
    var isClosed = false
    /// The client's connection that was last looked at.
    var generation: UInt64?
    var run: String?
  }

  package let options: RedisStreamOptions
  private let redis: RedisOptions
  private let client: RedisClient
  private let state: Mutex<State>
  private let changes = ChangeSignal()
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
    state = Mutex(State(spool: Spool(mostRecords: options.mostHeld, mostBytes: options.mostHeldBytes)))
  }

  package var name: String { options.name }

  package var statistics: StreamStatistics {
    var statistics = tally.value
    statistics.held = state.withLock(\.spool.count)
    return statistics
  }

  /// What its connection for publishing has seen.
  package var connection: RedisStatistics { client.statistics }

  // MARK: Publishing

  package func publish(_ records: [StreamRecord]) async throws(StreamError) {
    for record in records { try record.validate() }
    var rest = records[...]
    while !rest.isEmpty {
      let version = changes.version
      let (taken, isClosed) = state.withLock { state in
        (state.isClosed ? 0 : state.spool.append(rest) { options.shard(of: $0.key) }, state.isClosed)
      }
      if isClosed { throw .closed(stream: name) }
      rest = rest.dropFirst(taken)
      guard taken > 0 else {
        try await wait(version)
        continue
      }
      tally.count { $0.published += UInt64(taken) }
      changes.ring()
    }
  }

  package func flush() async throws(StreamError) { try await wait { $0.unsentCount == 0 } }

  package func settle() async throws(StreamError) { try await wait { $0.count == 0 } }

  private func wait(until holds: (Spool) -> Bool) async throws(StreamError) {
    while true {
      let version = changes.version
      let (isDone, isClosed) = state.withLock { (holds($0.spool), $0.isClosed) }
      if isDone { return }
      if isClosed { throw .closed(stream: name) }
      try await wait(version)
    }
  }

  private func wait(_ version: UInt64) async throws(StreamError) {
    await changes.wait(after: version)
    if Task.isCancelled { throw .cancelled(stream: name) }
  }

  // MARK: Work

  package func run() async throws(StreamError) {
    while !Task.isCancelled, !state.withLock(\.isClosed) {
      let version = changes.version
      do throws(RedisError) {
        try await recogniseRun()
        if try await sendBatch() { continue }
        try await settleHeld()
        let isIdle = state.withLock { $0.spool.count == 0 }
        if isIdle {
          await changes.wait(after: version)
        } else {
          await changes.wait(after: version, atMost: options.settlePause)
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
    case .noGroup: state.withLock { $0.generation = nil }
    case _ where !error.isTransient: throw trouble
    default: break
    }
    tally.trouble(trouble)
    try? await Task.sleep(for: options.retryPause)
  }

  /// False if there is nothing to send.
  private func sendBatch() async throws(RedisError) -> Bool {
    let isEmpty = state.withLock { $0.spool.unsentCount == 0 }
    if isEmpty { return false }
    let batch = state.withLock { $0.spool.unsent(options.batch) }
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
    state.withLock { $0.spool.sent(ids) }
    changes.ring()
    return true
  }

  private func settleHeld() async throws(RedisError) {
    let shards = state.withLock { $0.spool.sentShards }
    if shards.isEmpty { return }
    for shard in shards {
      let key = RedisCommand.Argument(options.shardKey(shard))
      let answers = try await client.transaction(
        [RedisCommand("XINFO", "GROUPS", key)] + options.groups.map { RedisCommand("XPENDING", key, .init($0)) })
      guard
        let progress = GroupProgress(
          groups: options.groups, information: answers[0], pending: Array(answers.dropFirst()))
      else { throw .noGroup(server: redis.address.description) }
      // What another run says is about other entries.
      guard state.withLock({ $0.generation == client.statistics.connections }) else { return }
      let settled = state.withLock { $0.spool.settle(shard, upTo: progress.settled) }
      guard settled > 0 else { continue }
      tally.count { $0.settled += UInt64(settled) }
      changes.ring()
    }
  }

  /// Sends again what is held if this is another run of the server than before, and sees to the groups.
  private func recogniseRun() async throws(RedisError) {
    let generation = client.statistics.connections
    guard state.withLock({ $0.generation != generation }) else { return }
    let run = try await runID() ?? "connection \(generation)"
    try await Self.createGroups(options, client)
    let resent = state.withLock { state in
      // Without its groups the stream may have been deleted, by whoever did it.
      let isNew = state.run != run || state.generation == nil
      let isFirst = state.run == nil
      (state.run, state.generation) = (run, generation)
      return isNew && !isFirst ? state.spool.forgetSent() : 0
    }
    if resent > 0 { tally.count { $0.resent += UInt64(resent) } }
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
    state.withLock { $0.isClosed = true }
    changes.ring()
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
