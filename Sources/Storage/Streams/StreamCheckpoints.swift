/// Remembers who reads which part of a stream for a group, and how far. A row is found by stream, group and shard.
package protocol StreamCheckpoints: AnyObject {
  /// By shard.
  func checkpoints(stream: String, group: String) throws -> [StreamCheckpoint]

  /// Writes the row if the one that is there has this counter, or if there is none and `counter` is `nil`; what
  /// another process does at the same time comes before it or behind it.
  ///
  /// - Returns: whether it was written.
  func write(
    _ checkpoint: StreamCheckpoint, stream: String, group: String, replacing counter: Int64?
  ) throws -> Bool
}

/// A part of a stream as a group has it.
package struct StreamCheckpoint: Hashable, Sendable {
  package let shard: String
  /// `nil` if nobody reads it.
  package var owner: String?
  /// Another one after each change.
  package var counter: Int64
  /// How far everything is stored, in the stream's own words.
  package var position: String

  package init(shard: String, owner: String?, counter: Int64, position: String) {
    (self.shard, self.owner, self.counter, self.position) = (shard, owner, counter, position)
  }
}
