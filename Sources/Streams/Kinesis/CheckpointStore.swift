package import Cloud

/// Keeps who reads which shard of a stream for a group, and how far. Each row is found by stream, group and shard.
///
/// All that it must be able to do is to replace a row if nobody else has done so: that makes leases safe whatever the
/// clocks of their holders say.
package protocol CheckpointStore: Sendable {
  func leases(stream: String, group: String) async throws(StreamError) -> [ShardLease]

  /// Writes the row if the one that is there has this counter, or if there is none and `counter` is `nil`.
  ///
  /// - Returns: whether it was written.
  func write(
    _ lease: ShardLease, stream: String, group: String, replacing counter: Int64?
  ) async throws(StreamError) -> Bool
}

/// Who reads a shard, and how far everything is stored.
package struct ShardLease: Hashable, Sendable {
  package let shard: String
  /// `nil` if nobody does.
  package var owner: String?
  /// Grows with each change; a holder that no longer makes it grow is gone.
  package var counter: Int64
  package var checkpoint: ShardCheckpoint

  package init(shard: String, owner: String?, counter: Int64, checkpoint: ShardCheckpoint) {
    (self.shard, self.owner, self.counter, self.checkpoint) = (shard, owner, counter, checkpoint)
  }
}

/// How far a shard was read and stored.
package enum ShardCheckpoint: Hashable, Sendable {
  /// Nothing of it.
  case start
  /// Everything up to and with this one.
  case after(SequenceNumber)
  /// It was closed and is read to its end.
  case end

  /// For a column: empty, digits, or `SHARD_END`.
  package var text: String {
    switch self {
    case .start: ""
    case .after(let sequence): sequence.description
    case .end: "SHARD_END"
    }
  }

  package init?(text: String) {
    switch text {
    case "": self = .start
    case "SHARD_END": self = .end
    default:
      guard let sequence = SequenceNumber(text) else { return nil }
      self = .after(sequence)
    }
  }

  func covers(_ sequence: SequenceNumber) -> Bool {
    switch self {
    case .start: false
    case .after(let last): sequence <= last
    case .end: true
    }
  }
}
