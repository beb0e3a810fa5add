internal import Redis

/// How far the groups of one shard are.
struct GroupProgress {
  /// Every group has acknowledged everything up to here.
  let settled: EntryID

  /// Answers of XINFO GROUPS and, for each of the groups, the short form of XPENDING, taken in one transaction.
  ///
  /// `nil` if a group is missing or an answer is no such answer.
  init?(groups: [String], information: RedisValue, pending: [RedisValue]) {
    guard let rows = information.array, pending.count == groups.count else { return nil }
    var lastDelivered: [String: EntryID] = [:]
    for row in rows {
      let fields = Self.fields(row)
      guard let name = fields["name"]?.text, let last = fields["last-delivered-id"]?.text else { return nil }
      lastDelivered[name] = EntryID(last)
    }
    var settled: EntryID?
    for (group, answer) in zip(groups, pending) {
      guard let last = lastDelivered[group], let parts = answer.array, parts.count == 4, let count = parts[0].integer
      else { return nil }
      var mine = last
      if count > 0 {
        guard let first = parts[1].text.flatMap({ EntryID($0) }) else { return nil }
        mine = min(last, first.predecessor ?? .zero)
      }
      settled = min(settled ?? mine, mine)
    }
    self.settled = settled ?? .zero
  }

  private static func fields(_ row: RedisValue) -> [String: RedisValue] {
    let values = row.array ?? []
    var fields: [String: RedisValue] = [:]
    for index in stride(from: 0, to: values.count - 1, by: 2) {
      if let name = values[index].text { fields[name] = values[index + 1] }
    }
    return fields
  }
}
