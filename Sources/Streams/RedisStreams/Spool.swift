/// What a publisher holds until every group has acknowledged it, in the order in which it was published.
struct Spool {
  private struct Entry {
    let record: StreamRecord
    let shard: Int
    /// Where it stands in Redis; `nil` while it is not known to stand there.
    var id: EntryID?
  }

  private var entries: [Entry] = []
  /// Those before it were sent.
  private var firstUnsent = 0
  private var bytes = 0
  private let mostRecords: Int
  private let mostBytes: Int

  init(mostRecords: Int, mostBytes: Int) { (self.mostRecords, self.mostBytes) = (mostRecords, mostBytes) }

  var count: Int { entries.count }
  var unsentCount: Int { entries.count - firstUnsent }

  private static func size(_ record: StreamRecord) -> Int {
    record.body.count + record.id.utf8.count + record.key.utf8.count + 128
  }

  /// - Returns: how many there was room for; one always fits into an empty spool.
  mutating func append(_ records: ArraySlice<StreamRecord>, shard: (StreamRecord) -> Int) -> Int {
    var taken = 0
    for record in records {
      let size = Self.size(record)
      guard entries.isEmpty || (entries.count < mostRecords && bytes + size <= mostBytes) else { break }
      entries.append(Entry(record: record, shard: shard(record)))
      bytes += size
      taken += 1
    }
    return taken
  }

  func unsent(_ limit: Int) -> [(record: StreamRecord, shard: Int)] {
    entries[firstUnsent...].prefix(limit).map { ($0.record, $0.shard) }
  }

  /// The first of the unsent ones stand there now.
  mutating func sent(_ ids: [EntryID]) {
    for (offset, id) in ids.enumerated() where firstUnsent + offset < entries.count {
      entries[firstUnsent + offset].id = id
    }
    firstUnsent = min(entries.count, firstUnsent + ids.count)
  }

  /// None of what was sent is certain to stand anywhere.
  ///
  /// - Returns: how many are to be sent again.
  mutating func forgetSent() -> Int {
    defer { firstUnsent = 0 }
    for index in entries[..<firstUnsent].indices { entries[index].id = nil }
    return firstUnsent
  }

  var sentShards: Set<Int> { Set(entries[..<firstUnsent].map(\.shard)) }

  /// Every group has acknowledged what stands in this shard up to there.
  ///
  /// - Returns: how many are held no more.
  mutating func settle(_ shard: Int, upTo last: EntryID) -> Int {
    let count = entries.count
    var (unsent, bytes) = (firstUnsent, bytes)
    entries.removeAll { entry in
      guard entry.shard == shard, let id = entry.id, id <= last else { return false }
      unsent -= 1
      bytes -= Self.size(entry.record)
      return true
    }
    (firstUnsent, self.bytes) = (unsent, bytes)
    return count - entries.count
  }
}
