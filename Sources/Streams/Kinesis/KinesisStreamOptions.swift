package import Cloud

/// How events travel through Kinesis.
package struct KinesisStreamOptions: Hashable, Sendable {
  /// It must exist.
  package var name: String
  /// Every process gives the same ones.
  package var groups: [String]
  /// Where a group begins in a shard of which nobody has stored anything: the oldest record, or a time. The newest one
  /// is no choice, since what is written while a reader starts would be lost.
  package var start = KinesisStart.oldest
  /// In one request. With one the order within a key is kept whatever fails. With more, those behind a failed one are
  /// sent again in order, but a reader may see one of them before it too.
  package var recordsOfAKeyPerRequest = 1
  /// So many records of this process may wait to be written; further ones wait.
  package var mostUnsent = 20_000
  package var mostUnsentBytes = 64 << 20
  /// A member takes no more shards than this; `nil` for all it can get.
  package var mostShards: Int?
  /// A member that gives no sign of life for so long is dead: another one takes over.
  package var leaseSeconds = 10.0
  /// Between two questions to a shard that had nothing more. A shard answers five a second, to all groups together.
  package var pollSeconds = 1.0
  /// Between two questions to a shard that has more.
  package var catchUpSeconds = 0.25
  package var mostRead = 10_000
  /// How often a publisher asks how far the groups are.
  package var settleSeconds = 0.5
  package var backoff = Backoff(attempts: 10, firstSeconds: 0.1, longestSeconds: 10)

  package init(name: String, groups: [String]) { (self.name, self.groups) = (name, groups) }

  package func validate() throws(StreamError) {
    let rules: [(Bool, String)] = [
      (
        (1...128).contains(name.utf8.count) && name.utf8.allSatisfy(Self.isPart),
        "its name has 1 to 128 letters, digits and -_."
      ),
      (!groups.isEmpty && Set(groups).count == groups.count, "it needs groups, each named once"),
      ((1...KinesisClient.mostEntries).contains(recordsOfAKeyPerRequest), "records of a key per request are 1 to 500"),
      (mostUnsent > 0 && mostUnsentBytes > 0, "what waits is at least 1"),
      ((mostShards ?? 1) > 0, "a member takes at least one shard"),
      ((0.01...3600).contains(leaseSeconds), "a lease lasts 0.01 to 3600 s, not \(leaseSeconds)"),
      (
        (0...60).contains(pollSeconds) && (0...60).contains(catchUpSeconds) && (0...60).contains(settleSeconds),
        "pauses last 0 to 60 s"
      ),
      ((1...KinesisClient.mostRecords).contains(mostRead), "at most 10000 records are read at once"),
    ]
    for (holds, reason) in rules where !holds { throw .badOptions(stream: name, reason: reason) }
    if case .after = start { throw .badOptions(stream: name, reason: "it begins at the oldest record or at a time") }
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || "-_.".utf8.contains(byte)
  }
}
