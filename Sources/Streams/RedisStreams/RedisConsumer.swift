internal import Redis

/// A member of a consumer group. It reads the shards it holds a lease on: first what was delivered under its name or a
/// dead member's and never acknowledged, then what is new.
actor RedisConsumer: StreamConsumer {
  private struct Shard {
    let number: Int
    let key: String
    let leaseKey: String
    var isOwned = false
    /// Pending entries after this one are still to be read; `nil` once they are.
    var history: EntryID?
  }

  private struct Place: Hashable {
    let shard: Int
    let id: EntryID
  }

  private let options: RedisStreamOptions
  private let server: String
  private let group: String
  private let name: String
  /// For what is answered at once.
  private let client: RedisClient
  /// For waiting in the server.
  private let reader: RedisClient
  private let tally: Tally
  private var shards: [Shard]
  /// Delivered here and not acknowledged.
  private var outstanding: Set<Place> = []
  /// Acknowledged here; Redis may not know yet.
  private var unconfirmed: Set<Place> = []
  /// Read and not delivered.
  private var ready: [Delivery] = []
  private var isClosed = false

  init(
    _ options: RedisStreamOptions, _ redis: RedisOptions, group: String, name: String, client: RedisClient,
    tally: Tally
  ) throws(StreamError) {
    (self.options, self.group, self.name, self.client, self.tally) = (options, group, name, client, tally)
    server = redis.address.description
    shards = (0..<options.shards).map { number in
      Shard(number: number, key: options.shardKey(number), leaseKey: options.leaseKey(number, group))
    }
    do throws(RedisError) {
      reader = try RedisClient(redis)
    } catch {
      throw StreamError(error, stream: options.name)
    }
  }

  // MARK: Reading

  func next(limit: Int) async throws(StreamError) -> [Delivery] {
    while !isClosed {
      if Task.isCancelled { throw .cancelled(stream: options.name) }
      if !ready.isEmpty { return deliver(max(1, limit)) }
      do throws(RedisError) {
        try await read(limit: min(max(1, limit), 10_000))
      } catch {
        try await recover(error)
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

  private func read(limit: Int) async throws(RedisError) {
    try await confirm()
    try await holdLeases()
    if let shard = shards.first(where: { $0.isOwned && $0.history != nil }) {
      try await readPending(shard, limit: limit)
    } else if shards.contains(where: \.isOwned) {
      try await readNew(limit: limit)
    } else {
      try? await Task.sleep(for: .milliseconds(options.leaseMilliseconds / 10))
    }
  }

  /// Entries may have been given to this member in an answer that never came, so what is pending is read once more.
  private func recover(_ error: RedisError) async throws(StreamError) {
    for index in shards.indices where shards[index].isOwned { shards[index].history = .zero }
    let trouble = StreamError(error, stream: options.name)
    if isClosed { return }
    switch error {
    case .noGroup: do throws(RedisError) { try await RedisStream.createGroups(options, client) } catch { break }
    case _ where !error.isTransient: throw trouble
    default: break
    }
    tally.trouble(trouble)
    try? await Task.sleep(for: options.retryPause)
  }

  private func readNew(limit: Int) async throws(RedisError) {
    let owned = shards.filter(\.isOwned)
    let command = RedisCommand(
      "XREADGROUP",
      ["GROUP", .init(group), .init(name), "COUNT", .init(limit), "BLOCK", .init(options.blockMilliseconds), "STREAMS"]
        + owned.map { .init($0.key) } + owned.map { _ in ">" })
    let patience = Duration.milliseconds(options.blockMilliseconds) + reader.options.timeout
    let answer = try await reader.send(command, timeout: patience)
    for (key, entries) in try entries(answer) {
      guard let shard = owned.first(where: { $0.key == key }) else { continue }
      try await take(entries, of: shard, attempts: [:])
    }
  }

  private func readPending(_ shard: Shard, limit: Int) async throws(RedisError) {
    guard let after = shard.history else { return }
    let command = RedisCommand(
      "XREADGROUP", "GROUP", .init(group), .init(name), "COUNT", .init(limit), "STREAMS", .init(shard.key),
      .init(after.description))
    // In turn with a wait that was given up, whose entries are pending then.
    let patience = Duration.milliseconds(options.blockMilliseconds) + reader.options.timeout
    let entries = try entries(try await reader.send(command, timeout: patience)).flatMap(\.entries)
    guard let first = entries.first, let last = entries.last else {
      shards[shard.number].history = nil
      return
    }
    let attempts = try await attempts(shard, first.id, last.id, count: entries.count)
    try await take(entries, of: shard, attempts: attempts)
    shards[shard.number].history = last.id
  }

  private func entries(_ answer: RedisValue) throws(RedisError) -> [(key: String, entries: [RedisEntry])] {
    guard let read = RedisEntry.read(answer) else {
      throw .unexpected(server: server, command: "XREADGROUP", answer: "no entries of streams")
    }
    return read
  }

  /// How often each entry has been delivered.
  private func attempts(
    _ shard: Shard, _ first: EntryID, _ last: EntryID, count: Int
  ) async throws(RedisError) -> [EntryID: Int] {
    let answer = try await client.send(
      RedisCommand(
        "XPENDING", .init(shard.key), .init(group), .init(first.description), .init(last.description), .init(count),
        .init(name)))
    var attempts: [EntryID: Int] = [:]
    for row in answer.array ?? [] {
      guard let parts = row.array, parts.count == 4, let id = parts[0].text.flatMap({ EntryID($0) }),
        let count = parts[3].integer
      else { throw .unexpected(server: server, command: "XPENDING", answer: "no pending entries") }
      attempts[id] = Int(clamping: count)
    }
    return attempts
  }

  /// Makes deliveries of entries; those that must not come again are put aside.
  private func take(_ entries: [RedisEntry], of shard: Shard, attempts: [EntryID: Int]) async throws(RedisError) {
    for entry in entries {
      let place = Place(shard: shard.number, id: entry.id)
      guard !outstanding.contains(place), !unconfirmed.contains(place) else { continue }
      let attempt = max(1, attempts[entry.id] ?? 1)
      switch entry.content {
      case .gone:
        unconfirmed.insert(place)
        tally.count { $0.trimmed += 1 }
      case .foreign(let reason): try await putAside(entry, shard, attempt, nil, reason: reason)
      case .record(let record) where attempt > options.mostDeliveries:
        try await putAside(entry, shard, attempt, record, reason: "delivered \(attempt) times")
      case .record(let record):
        outstanding.insert(place)
        let position = StreamPosition(shard: String(shard.number), sequence: entry.id.description)
        ready.append(Delivery(record: record, position: position, attempt: attempt))
      }
    }
  }

  private func putAside(
    _ entry: RedisEntry, _ shard: Shard, _ attempt: Int, _ record: StreamRecord?, reason: String
  ) async throws(RedisError) {
    let origin: [RedisCommand.Argument] = [
      "stream", .init(shard.key), "entry", .init(entry.id.description), "group", .init(group), "deliveries",
      .init(attempt), "reason", .init(reason),
    ]
    _ = try await client.transaction([
      RedisCommand(
        "XADD",
        [.init(options.deadKey), "MAXLEN", "~", .init(options.longestShard), "*"] + origin
          + (record.map(RedisEntry.fields) ?? [])),
      RedisCommand("XACK", .init(shard.key), .init(group), .init(entry.id.description)),
    ])
    let id = record?.id ?? entry.id.description
    tally.count { $0.deadLetters += 1 }
    tally.trouble(.badRecord(id: id, reason: "put aside under \(options.deadKey): \(reason)"))
  }

  // MARK: Leases

  private var ownedCount: Int { shards.count(where: \.isOwned) }

  private func holdLeases() async throws(RedisError) {
    let most = options.mostShards ?? shards.count
    let wanted = shards.filter { $0.isOwned || ownedCount < most }
    let lifetime = RedisCommand.Argument(options.leaseMilliseconds)
    let answers = try await client.pipeline(
      wanted.map { RedisCommand("SET", .init($0.leaseKey), .init(name), "NX", "GET", "PX", lifetime) })
    var mine: [RedisCommand] = []
    for (shard, answer) in zip(wanted, answers) {
      if case .error(let error) = answer { throw error }
      let isMine = answer.isNull || answer.text == name
      if isMine, !shard.isOwned, ownedCount >= most {
        if answer.isNull { mine.append(RedisCommand("DEL", .init(shard.leaseKey))) }
        continue
      }
      // Where the lease had run out another member may have had the shard in between.
      if isMine, !shard.isOwned || answer.isNull { try await takeOver(shard) }
      if isMine, !answer.isNull { mine.append(RedisCommand("PEXPIRE", .init(shard.leaseKey), lifetime)) }
      if !isMine, shard.isOwned { giveUp(shard.number) }
    }
    _ = try await client.pipeline(mine)
  }

  /// The lease says that nobody else is at work on the shard, so what others left pending is this member's now.
  private func takeOver(_ shard: Shard) async throws(RedisError) {
    var cursor = "0-0"
    repeat {
      let answer = try await client.send(
        RedisCommand(
          "XAUTOCLAIM", .init(shard.key), .init(group), .init(name), "0", .init(cursor), "COUNT", "1000", "JUSTID"))
      guard let parts = answer.array, parts.count == 3, let next = parts[0].text, let gone = parts[2].array else {
        throw .unexpected(server: server, command: "XAUTOCLAIM", answer: "not three parts")
      }
      tally.count { $0.trimmed += UInt64(gone.count) }
      cursor = next
    } while cursor != "0-0"
    shards[shard.number].isOwned = true
    shards[shard.number].history = .zero
  }

  private func giveUp(_ number: Int) {
    shards[number].isOwned = false
    shards[number].history = nil
    outstanding = outstanding.filter { $0.shard != number }
    ready.removeAll { $0.position.shard == String(number) }
  }

  // MARK: Acknowledging

  func acknowledge(_ deliveries: [Delivery]) async throws(StreamError) {
    for delivery in deliveries {
      guard let shard = Int(delivery.position.shard), shards.indices.contains(shard),
        let id = EntryID(delivery.position.sequence)
      else { throw .badRecord(id: delivery.record.id, reason: "it was not delivered by this stream") }
      let place = Place(shard: shard, id: id)
      outstanding.remove(place)
      unconfirmed.insert(place)
      tally.count { $0.acknowledged += 1 }
    }
    do throws(RedisError) {
      try await confirm()
    } catch {
      // Sent again with the next call; until then they are not delivered again here.
      let trouble = StreamError(error, stream: options.name)
      guard error.isTransient || error == .cancelled(server: server) else { throw trouble }
      tally.trouble(trouble)
    }
  }

  private func confirm() async throws(RedisError) {
    let places = unconfirmed
    if places.isEmpty { return }
    let commands = Dictionary(grouping: places, by: \.shard).map { number, places in
      RedisCommand(
        "XACK", [.init(shards[number].key), .init(group)] + places.map { .init($0.id.description) })
    }
    for answer in try await client.pipeline(commands) {
      if case .error(let error) = answer { throw error }
    }
    unconfirmed.subtract(places)
  }

  func close() async {
    guard !isClosed else { return }
    isClosed = true
    _ = try? await confirm()
    let owned = shards.filter(\.isOwned)
    let holders = (try? await client.pipeline(owned.map { RedisCommand("GET", .init($0.leaseKey)) })) ?? []
    let mine = zip(owned, holders).filter { $1.text == name }.map { RedisCommand("DEL", .init($0.0.leaseKey)) }
    _ = try? await client.pipeline(mine)
    reader.close()
  }
}
