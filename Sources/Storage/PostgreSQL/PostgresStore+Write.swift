package import Market

extension PostgresStore {
  package func write(
    to series: Series, stamp: WriteStamp, next: () throws -> [Candle]?
  ) throws -> WriteCounts {
    memory = PostgresMemory()
    return try pool.withConnection { connection in
      do {
        return try connection.transaction {
          // A `COPY` lasts as long as its rows take to come from wherever they are read.
          try connection.script("SET LOCAL statement_timeout = 0")
          // The row stays locked until the end: nobody else writes to this series meanwhile.
          let entry = try madeEntry(connection, of: series, locking: true).entry
          return try withVersions(of: entry) { stored in
            let writer = PostgresCandleWriter(self, connection, entry, stamp, stored)
            while let candles = try next() { try writer.add(candles) }
            return try writer.finish()
          }
        }
      } catch {
        partitions.forget()
        throw error
      }
    }
  }

  /// What is stored is read over a connection of its own, while new rows are on their way over the other.
  private func withVersions<Value>(
    of entry: SeriesEntry, _ body: (PostgresVersionCursor?) throws -> Value
  ) throws -> Value {
    guard let range = entry.clamped(.all) else { return try body(nil) }
    return try pool.withConnection { reading in
      try reading.transaction {
        // Rows that were asked for early wait until those before them are written.
        try reading.script("SET LOCAL statement_timeout = 0")
        return try body(PostgresVersionCursor(series: entry.id, range: range, asOf: .distantFuture, on: reading))
      }
    }
  }
}

/// Writes candles of one series in rising order, each where none is stored or a different one is.
///
/// What is stored is read and compared here, a window at a time: to copy the candles to the server and have it compare
/// and insert takes nearly twice as long.
final class PostgresCandleWriter {
  private let store: PostgresStore
  private let connection: PostgresConnection
  private let entry: SeriesEntry
  private let stamp: WriteStamp
  private var counts = WriteCounts()
  private var first = Timestamp.distantFuture
  private var last = Timestamp.distantPast
  private var previous = Timestamp.distantPast
  private var stored: StoredVersions<PostgresVersionCursor>
  /// Into the partition that has these times.
  private var copy: (range: Range<Timestamp>, rows: PostgresCopy)?

  /// - Parameter stored: over all that is stored; `nil` if nothing is.
  init(
    _ store: PostgresStore, _ connection: PostgresConnection, _ entry: SeriesEntry, _ stamp: WriteStamp,
    _ stored: PostgresVersionCursor?
  ) {
    (self.store, self.connection, self.entry, self.stamp) = (store, connection, entry, stamp)
    self.stored = StoredVersions(stored)
  }

  func add(_ candles: [Candle]) throws {
    try store.partitions.ensure(.candles, for: candles.lazy.map(\.openTime))
    for candle in candles {
      precondition(candle.openTime > previous, "candles are written in rising order")
      previous = candle.openTime
      try add(candle)
    }
  }

  private func add(_ candle: Candle) throws {
    let old = try stored.newest(at: candle.openTime)
    if let old, old.candle.covers(candle) {
      counts.unchanged += 1
      return
    }
    let revision = old.map { $0.revision + 1 } ?? 0
    let record = stamp.record(candle, isRevision: revision > 0)
    try rows(at: candle.openTime).row { buffer in
      buffer.put(field: entry.id)
      PostgresCandleColumns.put(record, revision: revision, into: &buffer)
    }
    if revision > 0 { counts.revised += 1 } else { counts.new += 1 }
    (first, last) = (min(first, candle.openTime), max(last, candle.openTime))
  }

  func finish() throws -> WriteCounts {
    try endCopy()
    if counts.new + counts.revised > 0 {
      try connection.run(
        """
        UPDATE series SET row_count = row_count + $2, revisions = revisions + $3, first_open = least(first_open, $4),
          last_open = greatest(last_open, $5), writes = writes + 1
        WHERE id = $1
        """,
        [
          .integer(Int64(entry.id)), .integer(Int64(counts.new)), .integer(Int64(counts.revised)), .instant(first),
          .instant(last),
        ])
    }
    return counts
  }

  /// Into the partition itself: the server need not look for the place of each row.
  private func rows(at time: Timestamp) throws(StoreError) -> PostgresCopy {
    if let copy, copy.range.contains(time) { return copy.rows }
    try endCopy()
    let part = store.partitions.part(of: .candles, at: time)
    let rows = try PostgresCopy(
      connection, into: "\(part.name) (\(PostgresCandleColumns.names))", columns: PostgresCandleColumns.count)
    copy = (part.range, rows)
    return rows
  }

  private func endCopy() throws(StoreError) {
    guard let open = copy else { return }
    copy = nil
    try open.rows.finish()
  }
}
