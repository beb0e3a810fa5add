import Market

/// An oracle's minute as it is to be stored.
struct OracleMinuteVersion {
  let venue: Venue
  let minute: OracleMinute
  let revision: Int32
  let availableAt: Timestamp
  let knownAt: Timestamp

  /// What batches add to what is stored: a minute that says something new is a later version, available when it is
  /// stored and not before.
  static func added(
    by batches: [LiveBatch], stored: (OracleMinuteKey) throws -> StoredOracleMinute?
  ) throws -> [OracleMinuteVersion] {
    var known: [OracleMinuteKey: StoredOracleMinute] = [:]
    var added: [OracleMinuteVersion] = []
    for batch in batches {
      for record in batch.oracleMinutes {
        let key = OracleMinuteKey(record)
        let old = try known[key] ?? stored(key)
        known[key] = old
        guard old?.minute != record.minute else { continue }
        let new = StoredOracleMinute(
          minute: record.minute, revision: old.map { $0.revision + 1 } ?? 0,
          knownAt: old.map { max(batch.knownAt, $0.knownAt.adding(microseconds: 1)) } ?? batch.knownAt)
        known[key] = new
        added.append(
          OracleMinuteVersion(
            venue: record.venue, minute: new.minute, revision: new.revision,
            availableAt: old == nil ? record.availableAt : max(record.availableAt, new.knownAt), knownAt: new.knownAt))
      }
    }
    return added
  }
}

struct OracleMinuteKey: Hashable {
  let venue: Venue
  let feed: Symbol
  let openTime: Timestamp

  init(_ record: OracleMinuteRecord) {
    (venue, feed, openTime) = (record.venue, record.minute.feed, record.minute.openTime)
  }
}

struct StoredOracleMinute {
  let minute: OracleMinute
  let revision: Int32
  let knownAt: Timestamp
}
