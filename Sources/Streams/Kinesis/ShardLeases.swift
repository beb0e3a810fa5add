internal import Cloud
internal import Market

/// Decides which shards a member reads, by what stands in the checkpoint store.
struct ShardLeases: Sendable {
  let store: any CheckpointStore
  let stream: String
  let group: String
  let member: String
  /// Since when each lease of another one has not changed, by our own clock.
  private var seen: [String: (counter: Int64, since: Timestamp)] = [:]

  init(_ store: any CheckpointStore, stream: String, group: String, member: String) {
    (self.store, self.stream, self.group, self.member) = (store, stream, group, member)
  }

  /// What is to be written to have one more shard: the row, and the counter it replaces.
  struct Claim: Hashable {
    let lease: ShardLease
    let replaced: Int64?
  }

  /// A member under this name that went away is this one, so its leases are taken at once; those of others when they
  /// have not changed for a lease's length. A shard is free when nothing before it is left to be read.
  mutating func claims(
    _ shards: [KinesisShard], _ rows: [ShardLease], held: Set<String>, most: Int, leaseSeconds: Double,
    at now: Timestamp
  ) -> [Claim] {
    let rowOf = Dictionary(rows.map { ($0.shard, $0) }, uniquingKeysWith: { $1 })
    let listed = Set(shards.map(\.id))
    seen = seen.filter { rowOf[$0.key] != nil }
    var claims: [Claim] = []
    for shard in shards where !held.contains(shard.id) && rowOf[shard.id]?.checkpoint != .end {
      let row = rowOf[shard.id]
      let isFree = isFree(row, leaseSeconds, at: now)
      let areParentsRead = shard.parents.allSatisfy { !listed.contains($0) || rowOf[$0]?.checkpoint == .end }
      guard isFree, areParentsRead, held.count + claims.count < most else { continue }
      let lease = ShardLease(
        shard: shard.id, owner: member, counter: (row?.counter ?? 0) &+ 1, checkpoint: row?.checkpoint ?? .start)
      claims.append(Claim(lease: lease, replaced: row?.counter))
    }
    return claims
  }

  private mutating func isFree(_ row: ShardLease?, _ leaseSeconds: Double, at now: Timestamp) -> Bool {
    guard let row, let owner = row.owner, owner != member else { return true }
    guard let (counter, since) = seen[row.shard], counter == row.counter else {
      seen[row.shard] = (row.counter, now)
      return false
    }
    return Double(now.microseconds - since.microseconds) >= leaseSeconds * 1e6
  }

  func rows() async throws(StreamError) -> [ShardLease] { try await store.leases(stream: stream, group: group) }

  func write(_ lease: ShardLease, replacing counter: Int64?) async throws(StreamError) -> Bool {
    try await store.write(lease, stream: stream, group: group, replacing: counter)
  }
}
