internal import Cloud

/// What was read of a shard and is not stored yet. The checkpoint moves over everything that is stored without a gap.
struct ShardQueue {
  private(set) var checkpoint: ShardCheckpoint
  /// The last one that was read.
  private(set) var position: ShardCheckpoint
  private var waiting: [(sequence: SequenceNumber, isStored: Bool)] = []
  private var first = 0
  /// There will be no more.
  private(set) var isRead = false

  init(_ checkpoint: ShardCheckpoint) { (self.checkpoint, position) = (checkpoint, checkpoint) }

  var isFinished: Bool { checkpoint == .end }

  /// False for one that was read already.
  mutating func append(_ sequence: SequenceNumber, isStored: Bool) -> Bool {
    guard !position.covers(sequence) else { return false }
    position = .after(sequence)
    waiting.append((sequence, isStored))
    return true
  }

  mutating func finishReading() { isRead = true }

  /// False if it is not among those that wait.
  mutating func store(_ sequence: SequenceNumber) -> Bool {
    var (low, high) = (first, waiting.count)
    while low < high {
      let middle = (low + high) / 2
      if waiting[middle].sequence < sequence { low = middle + 1 } else { high = middle }
    }
    guard low < waiting.count, waiting[low].sequence == sequence, !waiting[low].isStored else { return false }
    waiting[low].isStored = true
    return true
  }

  /// Returns whether the checkpoint has moved.
  mutating func advance() -> Bool {
    let start = checkpoint
    while first < waiting.count, waiting[first].isStored {
      checkpoint = .after(waiting[first].sequence)
      first += 1
    }
    if first > 1024, first * 2 > waiting.count {
      waiting.removeFirst(first)
      first = 0
    }
    if isRead, first == waiting.count { checkpoint = .end }
    return checkpoint != start
  }
}
