package import Redis

/// What becomes of events when a Redis server ends without warning.
package struct RedisDurability: Hashable, Sendable {
  /// The append-only file is on; `nil` where the server does not tell.
  package let keepsLog: Bool?
  /// `always`, `everysec` or `no`; `nil` where the server does not tell or keeps no log.
  package let synchronises: String?
  /// What the server does when it is full, such as `noeviction`; `nil` where it does not tell.
  package let eviction: String?

  package init(keepsLog: Bool?, synchronises: String?, eviction: String?) {
    (self.keepsLog, self.synchronises, self.eviction) = (keepsLog, synchronises, eviction)
  }

  /// CONFIG may be forbidden, so INFO is asked first.
  package init(asking client: RedisClient) async throws(RedisError) {
    let answers = try await client.pipeline([
      RedisCommand("INFO", "persistence"), RedisCommand("INFO", "memory"), RedisCommand("CONFIG", "GET", "append*"),
      RedisCommand("CONFIG", "GET", "maxmemory-policy"),
    ])
    let (information, memory) = (RedisInformation(answers[0]), RedisInformation(answers[1]))
    let (log, policy) = (RedisInformation(pairs: answers[2]), RedisInformation(pairs: answers[3]))
    let isOn = information["aof_enabled"].map { $0 == "1" } ?? log["appendonly"].map { $0 == "yes" }
    self.init(
      keepsLog: isOn, synchronises: isOn == false ? nil : log["appendfsync"],
      eviction: memory["maxmemory_policy"] ?? policy["maxmemory-policy"])
  }

  /// One sentence each, with what to do.
  package var warnings: [String] {
    var warnings: [String] = []
    switch keepsLog {
    case false?:
      warnings.append(
        "Redis keeps no append-only file: when it ends without warning, events that no running publisher holds are "
          + "lost; set appendonly yes")
    case nil: warnings.append("Redis does not tell whether it keeps an append-only file; see to appendonly yes")
    case true?:
      if synchronises == "no" {
        warnings.append("Redis leaves it to the system when its log is written; set appendfsync everysec or always")
      }
    }
    if let eviction, eviction != "noeviction", !eviction.hasPrefix("volatile-") {
      warnings.append(
        "Redis may delete streams when its memory is full (maxmemory-policy \(eviction)); set noeviction or volatile-lru"
      )
    }
    return warnings
  }
}

/// What INFO and CONFIG GET say, by name.
struct RedisInformation {
  private var values: [Substring: Substring] = [:]

  /// Lines of `name:value`.
  init(_ answer: RedisValue) {
    for line in (answer.text ?? "").split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
  }

  /// An array of names and values by turns.
  init(pairs answer: RedisValue) {
    let words = (answer.array ?? []).map { $0.text ?? "" }
    for index in stride(from: 0, to: words.count - 1, by: 2) { values[words[index][...]] = words[index + 1][...] }
  }

  subscript(name: String) -> String? { values[name[...]].map { String($0) } }
}
