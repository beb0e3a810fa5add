/// How events travel through a Redis server, 7.0 or later.
package struct RedisStreamOptions: Hashable, Sendable {
  /// The first part of all keys of the stream.
  package var name = "candlecast:events"
  /// Those who must acknowledge an event before its publisher forgets it. Every process gives the same ones.
  package var groups: [String]
  /// Keys are spread over so many Redis streams; each is read by one member of a group at a time, so that order is
  /// kept. Every process gives the same number.
  package var shards = 1
  /// A member takes no more shards than this; `nil` for all it can get.
  package var mostShards: Int?
  /// A shard keeps about so many entries, acknowledged or not. What all publishers hold together must be less.
  package var longestShard = 100_000
  /// So many records of this process may be on their way; further ones wait.
  package var mostHeld = 20_000
  package var mostHeldBytes = 64 << 20
  /// Sent in one transaction.
  package var batch = 500
  /// A member that gives no sign of life for so long is dead: another one takes over.
  package var leaseMilliseconds = 10_000
  /// So long a member waits in the server for new entries before it looks around.
  package var blockMilliseconds = 1000
  /// An entry that was delivered more often is put aside under `NAME:dead`.
  package var mostDeliveries = 20
  /// How often a publisher asks what has been acknowledged.
  package var settlePause = Duration.milliseconds(100)
  /// Between attempts while the server is away.
  package var retryPause = Duration.milliseconds(100)

  package init(groups: [String]) { self.groups = groups }

  func validate() throws(StreamError) {
    let rules: [(Bool, String)] = [
      (!groups.isEmpty && Set(groups).count == groups.count, "it needs groups, each named once"),
      ((1...1024).contains(shards), "shards are 1 to 1024, not \(shards)"),
      ((mostShards ?? 1) > 0, "a member takes at least one shard"),
      (mostHeld > 0 && mostHeldBytes > 0 && batch > 0, "what is held and what is sent at a time is at least 1"),
      (
        longestShard >= 2 * mostHeld,
        "a shard keeps \(longestShard) entries, which must be at least twice the \(mostHeld) that a publisher holds"
      ),
      (
        blockMilliseconds > 0 && leaseMilliseconds >= 3 * blockMilliseconds,
        "a lease of \(leaseMilliseconds) ms must last at least three waits of \(blockMilliseconds) ms"
      ),
      (mostDeliveries > 0, "an entry is delivered at least once"),
    ]
    for (holds, reason) in rules where !holds { throw .badOptions(stream: name, reason: reason) }
  }

  // MARK: Keys

  func shardKey(_ shard: Int) -> String { "\(name):\(shard)" }
  func leaseKey(_ shard: Int, _ group: String) -> String { "\(name):\(shard):\(group):owner" }
  var deadKey: String { "\(name):dead" }

  /// By FNV-1a, the same in every process.
  func shard(of key: String) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int(hash % UInt64(shards))
  }
}
