/// What is on its way in one process: who has what, and who may have what next.
struct InProcessState {
  private struct Entry {
    let sequence: UInt64
    let record: StreamRecord
    var attempt = 1
  }

  private struct Group {
    /// In order.
    var unread: [Entry] = []
    var outstanding: [UInt64: (entry: Entry, consumer: Int)] = [:]
    /// Who works on a key, and on how many of its records: nobody else gets the key's next one.
    var holders: [String: (consumer: Int, count: Int)] = [:]

    var load: Int { unread.count + outstanding.count }

    mutating func release(_ key: String) {
      guard let holder = holders[key] else { return }
      holders[key] = holder.count > 1 ? (holder.consumer, holder.count - 1) : nil
    }
  }

  private var groups: [String: Group]
  private var nextSequence: UInt64 = 1
  private var consumers = 0

  init(groups names: [String]) { groups = Dictionary(names.map { ($0, Group()) }, uniquingKeysWith: { $1 }) }

  /// Of the group that has most before it.
  var held: Int { groups.values.map(\.load).max() ?? 0 }

  mutating func newConsumer() -> Int {
    consumers += 1
    return consumers
  }

  /// - Returns: how many there was room for.
  mutating func append(_ records: ArraySlice<StreamRecord>, room: Int) -> Int {
    let taken = records.prefix(max(0, room))
    let entries = taken.enumerated().map { Entry(sequence: nextSequence + UInt64($0), record: $1) }
    nextSequence += UInt64(entries.count)
    for name in groups.keys { groups[name]?.unread += entries }
    return entries.count
  }

  mutating func take(_ name: String, _ consumer: Int, limit: Int) -> [Delivery] {
    guard var group = groups[name] else { return [] }
    groups[name] = nil
    defer { groups[name] = group }
    var deliveries: [Delivery] = []
    var kept: [Entry] = []
    var index = 0
    while index < group.unread.count, deliveries.count < limit {
      let entry = group.unread[index]
      index += 1
      let holder = group.holders[entry.record.key]
      guard holder == nil || holder?.consumer == consumer else {
        kept.append(entry)
        continue
      }
      group.holders[entry.record.key] = (consumer, (holder?.count ?? 0) + 1)
      group.outstanding[entry.sequence] = (entry, consumer)
      let position = StreamPosition(shard: "0", sequence: String(entry.sequence))
      deliveries.append(Delivery(record: entry.record, position: position, attempt: entry.attempt))
    }
    if !deliveries.isEmpty { group.unread.replaceSubrange(..<index, with: kept) }
    return deliveries
  }

  /// Nothing of what is held now will come to this one.
  func leavesNothing(of name: String, to consumer: Int) -> Bool {
    guard let group = groups[name] else { return true }
    return group.unread.isEmpty && group.outstanding.values.allSatisfy { $0.consumer == consumer }
  }

  /// False if it is not this one's.
  mutating func finish(_ name: String, _ consumer: Int, _ sequence: UInt64) -> Bool {
    guard let (entry, owner) = groups[name]?.outstanding[sequence], owner == consumer else { return false }
    groups[name]?.outstanding[sequence] = nil
    groups[name]?.release(entry.record.key)
    return true
  }

  /// What it had comes again.
  mutating func putBack(_ name: String, _ consumer: Int) {
    guard var group = groups[name] else { return }
    var entries = group.outstanding.values.filter { $0.consumer == consumer }.map(\.entry)
    guard !entries.isEmpty else { return }
    for index in entries.indices {
      group.outstanding[entries[index].sequence] = nil
      group.release(entries[index].record.key)
      entries[index].attempt += 1
    }
    group.unread = (entries + group.unread).sorted { $0.sequence < $1.sequence }
    groups[name] = group
  }
}
