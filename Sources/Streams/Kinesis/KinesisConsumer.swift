internal import Cloud
internal import Market

/// A member of a group. It reads the shards it holds a lease on, from their checkpoints on.
actor KinesisConsumer: StreamConsumer {
  private struct Held {
    var lease: ShardLease
    var queue: ShardQueue
    var iterator: String?
    /// When it is asked next.
    var due: Timestamp
    var failures = 0
    var isSaving = false
    /// The checkpoint moved while it was being saved, or could not be saved.
    var isUnsaved = false
  }

  private let options: KinesisStreamOptions
  private let client: KinesisClient
  private var leases: ShardLeases
  private let tally: Tally
  private let furthest: FurthestDelivered
  private var held: [String: Held] = [:]
  /// Read and not delivered.
  private var ready: [Delivery] = []
  /// When leases are looked at next.
  private var nextRound = Timestamp.distantPast
  private var failures = 0
  private var isClosed = false

  init(
    _ options: KinesisStreamOptions, _ client: KinesisClient, _ leases: ShardLeases, _ tally: Tally,
    _ furthest: FurthestDelivered
  ) {
    (self.options, self.client, self.leases) = (options, client, leases)
    (self.tally, self.furthest) = (tally, furthest)
  }

  /// Closing does not wait longer for a task that waits in `next`.
  private static let longestPauseSeconds = 0.5

  private var now: Timestamp { client.surroundings.now() }

  // MARK: Reading

  func next(limit: Int) async throws(StreamError) -> [Delivery] {
    while !isClosed {
      if Task.isCancelled { throw .cancelled(stream: options.name) }
      if !ready.isEmpty { return deliver(max(1, limit)) }
      do throws(StreamError) {
        try await work()
        failures = 0
      } catch {
        guard error.isTransient else { throw error }
        tally.trouble(error)
        failures += 1
        try await pause(options.backoff.seconds(afterFailures: failures, chance: client.surroundings.chance()))
      }
    }
    return []
  }

  private func deliver(_ limit: Int) -> [Delivery] {
    let deliveries = Array(ready.prefix(limit))
    ready.removeFirst(deliveries.count)
    tally.delivered(deliveries)
    return deliveries
  }

  private func work() async throws(StreamError) {
    if now >= nextRound {
      try await lookAround()
      nextRound = now.adding(seconds: options.leaseSeconds / 3)
    }
    let unread = held.values.filter { !$0.queue.isRead }
    guard let next = unread.min(by: { $0.due < $1.due }), next.due <= now else {
      let due = min(unread.map(\.due).min() ?? .distantFuture, nextRound)
      // Somebody may have asked for a round at once.
      let time = now
      guard due > time else { return }
      return try await pause(min(Double(due.microseconds - time.microseconds) / 1e6, Self.longestPauseSeconds))
    }
    try await poll(next.lease.shard)
  }

  private func poll(_ shard: String) async throws(StreamError) {
    guard let start = held[shard]?.queue.position else { return }
    do throws(CloudError) {
      let iterator: String
      if let kept = held[shard]?.iterator {
        iterator = kept
      } else {
        iterator = try await client.iterator(options.name, shard: shard, from: place(start))
      }
      let batch = try await client.records(iterator, limit: options.mostRead, of: options.name, shard: shard)
      take(batch, shard)
    } catch .expiredIterator {
      // A new one from where reading has got to.
      held[shard]?.iterator = nil
    } catch {
      try recover(error, shard)
    }
    if held[shard]?.isUnsaved == true { try await save(shard) }
  }

  private func place(_ position: ShardCheckpoint) -> KinesisStart {
    if case .after(let sequence) = position { .after(sequence) } else { options.start }
  }

  private func take(_ batch: KinesisBatch, _ shard: String) {
    guard var mine = held[shard] else { return }
    for record in batch.records {
      switch KinesisEnvelope.content(record, shard: shard) {
      case .record(let content):
        guard mine.queue.append(record.sequence, isStored: false) else { continue }
        let wasDelivered = furthest.deliver(record.sequence, shard: shard, group: leases.group)
        let position = StreamPosition(shard: shard, sequence: record.sequence.description)
        ready.append(Delivery(record: content, position: position, attempt: wasDelivered ? 2 : 1))
      case .foreign(let reason):
        guard mine.queue.append(record.sequence, isStored: true) else { continue }
        tally.count { $0.deadLetters += 1 }
        tally.trouble(.badRecord(id: "\(shard):\(record.sequence)", reason: reason))
      }
    }
    if batch.next == nil { mine.queue.finishReading() }
    mine.iterator = batch.next
    let pause = batch.millisecondsBehind > 0 ? options.catchUpSeconds : options.pollSeconds
    mine.due = now.adding(seconds: pause)
    mine.failures = 0
    if mine.queue.advance() { mine.isUnsaved = true }
    held[shard] = mine
  }

  /// What a shard refuses keeps nobody from the others.
  private func recover(_ error: CloudError, _ shard: String) throws(StreamError) {
    let trouble = StreamError(error, stream: options.name)
    guard error.isTransient else { throw trouble }
    tally.trouble(trouble)
    let failures = (held[shard]?.failures ?? 0) + 1
    held[shard]?.failures = failures
    let seconds = options.backoff.seconds(afterFailures: failures, chance: client.surroundings.chance())
    held[shard]?.due = now.adding(seconds: max(seconds, options.catchUpSeconds))
  }

  private func pause(_ seconds: Double) async throws(StreamError) {
    do { try await client.surroundings.pause(seconds) } catch { throw .cancelled(stream: options.name) }
  }

  // MARK: Leases

  private func lookAround() async throws(StreamError) {
    let shards: [KinesisShard]
    do throws(CloudError) {
      shards = try await client.shards(of: options.name)
    } catch {
      throw StreamError(error, stream: options.name)
    }
    // Each write makes the counter grow: a sign of life.
    for shard in held.keys.sorted() { try await save(shard) }
    let rows = try await leases.rows()
    let claims = leases.claims(
      shards, rows, held: Set(held.keys), most: options.mostShards ?? .max, leaseSeconds: options.leaseSeconds, at: now)
    for claim in claims {
      guard try await leases.write(claim.lease, replacing: claim.replaced) else { continue }
      held[claim.lease.shard] = Held(lease: claim.lease, queue: ShardQueue(claim.lease.checkpoint), due: now)
      // It was closed while the claim was written, and has not seen this one.
      if isClosed { return try await save(claim.lease.shard) }
    }
  }

  /// Writes where this member is in a shard, and that it has it no more once it is closed; one call at a time for each.
  /// If another member has it now, that one reads on from the checkpoint.
  private func save(_ shard: String) async throws(StreamError) {
    guard held[shard]?.isSaving == false else {
      held[shard]?.isUnsaved = true
      return
    }
    repeat {
      guard let mine = held[shard] else { return }
      held[shard]?.isUnsaved = false
      held[shard]?.isSaving = true
      var lease = mine.lease
      lease.counter &+= 1
      lease.checkpoint = mine.queue.checkpoint
      if isClosed || mine.queue.isFinished { lease.owner = nil }
      let isMine: Bool
      do throws(StreamError) {
        isMine = try await leases.write(lease, replacing: mine.lease.counter)
      } catch {
        held[shard]?.isSaving = false
        held[shard]?.isUnsaved = true
        throw error
      }
      held[shard]?.isSaving = false
      guard isMine, lease.owner != nil else { return drop(shard) }
      held[shard]?.lease = lease
    } while held[shard]?.isUnsaved == true
  }

  private func drop(_ shard: String) {
    // What comes after a shard may be read now.
    if held[shard]?.queue.isFinished == true { nextRound = .distantPast }
    held[shard] = nil
    ready.removeAll { $0.position.shard == shard }
  }

  // MARK: Acknowledging

  func acknowledge(_ deliveries: [Delivery]) async throws(StreamError) {
    var touched: Set<String> = []
    for delivery in deliveries {
      guard let sequence = SequenceNumber(delivery.position.sequence) else {
        throw .badRecord(id: delivery.record.id, reason: "it was not delivered by this stream")
      }
      let shard = delivery.position.shard
      // Another member may have the shard by now; then it comes again there.
      guard held[shard]?.queue.store(sequence) == true else { continue }
      touched.insert(shard)
      tally.count { $0.acknowledged += 1 }
    }
    for shard in touched.sorted() where held[shard]?.queue.advance() == true {
      do throws(StreamError) {
        try await save(shard)
      } catch {
        // Saved with the next sign of life; until then nothing comes again here.
        guard error.isTransient else { throw error }
        tally.trouble(error)
      }
    }
  }

  func close() async {
    guard !isClosed else { return }
    isClosed = true
    for shard in held.keys.sorted() { try? await save(shard) }
  }
}

extension Timestamp {
  fileprivate func adding(seconds: Double) -> Timestamp { adding(microseconds: Int64(seconds * 1e6)) }
}
