internal import Cloud

/// What is published and not yet written, in its order; and of what is written, where it stands.
struct KinesisSpool {
  private struct Waiting {
    let number: UInt64
    let entry: KinesisEntry
    var wasSent = false
  }

  /// Records of a shard up to `last` that were written together.
  private struct Mark {
    var last: SequenceNumber
    var count: Int
  }

  struct Batch {
    fileprivate let numbers: [UInt64]
    let entries: [KinesisEntry]
    /// Of them, those that were sent before.
    let resent: Int
  }

  private var waiting: [Waiting] = []
  private var bytes = 0
  private var nextNumber: UInt64 = 0
  private var written: [String: [Mark]] = [:]
  private let mostRecords: Int
  private let mostBytes: Int
  private let mostOfKey: Int
  /// Behind so many that cannot go yet nobody looks for more.
  private static let furthest = 4096
  /// Where a group does not read at all, neighbours are put together.
  private static let mostMarks = 10_000

  init(mostRecords: Int, mostBytes: Int, mostOfKey: Int) {
    (self.mostRecords, self.mostBytes, self.mostOfKey) = (mostRecords, mostBytes, mostOfKey)
  }

  var unsentCount: Int { waiting.count }
  var writtenCount: Int { written.values.reduce(0) { $1.reduce($0) { $0 + $1.count } } }
  var writtenShards: Set<String> { Set(written.keys) }

  /// - Returns: how many there was room for; one always fits into an empty spool.
  mutating func append(_ entries: ArraySlice<KinesisEntry>) -> Int {
    var taken = 0
    for entry in entries {
      guard waiting.isEmpty || (waiting.count < mostRecords && bytes + entry.size <= mostBytes) else { break }
      waiting.append(Waiting(number: nextNumber, entry: entry))
      nextNumber += 1
      bytes += entry.size
      taken += 1
    }
    return taken
  }

  /// The first ones that one request takes. One of a key that has to wait holds back those behind it.
  func batch() -> Batch {
    var ofKey: [String: Int] = [:]
    var taken: [Waiting] = []
    var size = 0
    for candidate in waiting.prefix(Self.furthest) {
      let key = candidate.entry.key
      guard taken.count < KinesisClient.mostEntries, size + candidate.entry.size <= KinesisClient.mostBytes else {
        break
      }
      guard ofKey[key, default: 0] < mostOfKey else { continue }
      ofKey[key, default: 0] += 1
      taken.append(candidate)
      size += candidate.entry.size
    }
    return Batch(
      numbers: taken.map(\.number), entries: taken.map(\.entry), resent: taken.count(where: \.wasSent))
  }

  /// What failed stays, and with it everything of its key behind it: that is sent again in order.
  ///
  /// - Returns: how many stay.
  mutating func settle(_ batch: Batch, _ results: [KinesisPut]) -> Int {
    var failedKeys: Set<String> = []
    var gone: Set<UInt64> = []
    var last: [String: Mark] = [:]
    for (index, result) in results.enumerated() where index < batch.numbers.count {
      let entry = batch.entries[index]
      guard case .done(let shard, let sequence) = result, !failedKeys.contains(entry.key) else {
        failedKeys.insert(entry.key)
        continue
      }
      gone.insert(batch.numbers[index])
      bytes -= entry.size
      let mark = last[shard] ?? Mark(last: sequence, count: 0)
      last[shard] = Mark(last: max(mark.last, sequence), count: mark.count + 1)
    }
    let sent = Set(batch.numbers)
    waiting.removeAll { gone.contains($0.number) }
    for index in waiting.indices.prefix(Self.furthest) where sent.contains(waiting[index].number) {
      waiting[index].wasSent = true
    }
    for (shard, mark) in last { add(mark, to: shard) }
    return batch.numbers.count - gone.count
  }

  private mutating func add(_ mark: Mark, to shard: String) {
    var marks = written[shard] ?? []
    if marks.count >= Self.mostMarks, let newest = marks.last {
      marks[marks.count - 1] = Mark(last: max(newest.last, mark.last), count: newest.count + mark.count)
    } else {
      marks.append(mark)
    }
    written[shard] = marks
  }

  /// Every group has stored what `covers` is true for.
  ///
  /// - Returns: how many are held no more.
  mutating func acknowledge(_ shard: String, _ covers: (SequenceNumber) -> Bool) -> Int {
    guard let marks = written[shard] else { return 0 }
    let rest = marks.drop { covers($0.last) }
    written[shard] = rest.isEmpty ? nil : Array(rest)
    return marks.prefix(marks.count - rest.count).reduce(0) { $0 + $1.count }
  }
}
