import Market

/// A store in a PostgreSQL database, used by one task at a time; other stores, here or in other processes, may use the
/// same database at the same time.
///
/// Two that write to one series wait for one another: each changes the row of the series first, and a live writer that
/// remembers what another one has changed since notices it there, forgets it, and tries again.
package final class PostgresStore {
  package let location: PostgresLocation
  /// The tables were made when the store was opened.
  package let wasInitialised: Bool
  let pool: PostgresPool
  let partitions: PostgresPartitions
  /// What commits remember of the stored rows.
  var memory = PostgresMemory()
  /// A commit of this store has succeeded.
  var hasCommitted = false

  /// - Parameter notice: hears what the server remarks.
  package init(
    _ location: PostgresLocation, mode: StoreLocation.Access = .create, limits: PostgresLimits = PostgresLimits(),
    notice: (@Sendable (String) -> Void)? = nil
  ) throws(StoreError) {
    self.location = location
    pool = PostgresPool(location, limits, isReadOnly: mode == .readOnly, notice: notice)
    partitions = PostgresPartitions(pool)
    do {
      wasInitialised = try pool.withConnection { try Self.settleSchema($0, mode, limits) }
    } catch let error as StoreError {
      throw error
    } catch {
      throw .failed(path: location.description, reason: "\(error)")
    }
  }

  /// Returns whether the tables had to be made.
  private static func settleSchema(
    _ connection: PostgresConnection, _ mode: StoreLocation.Access, _ limits: PostgresLimits
  ) throws -> Bool {
    let migration = PostgresMigration(connection, chunkDays: limits.chunkDays)
    switch (try migration.state(), mode) {
    case (.tables(_, 0), _): return false
    case (.empty, .existing), (.empty, .readOnly): throw StoreError.absent(path: connection.path)
    case (.tables(let applied, let pending), .readOnly):
      throw StoreError.outdated(
        path: connection.path,
        reason: "the tables are of version \(applied.count), this program's of \(applied.count + pending); "
          + "`candlecast db migrate` brings them up to date")
    case (.tables, _), (.empty, .create): return try migration.run() == .empty
    }
  }

  /// Ends what the store is doing, from any thread; that ends with an error, and nothing of it is kept.
  package var cancel: @Sendable () -> Void {
    { [pool] in pool.cancelRunning() }
  }
}

extension PostgresStore: Store {
  package var name: String { location.description }

  package func reader() throws -> StoreReader {
    StoreReader(store: try PostgresStore(location, mode: .readOnly, limits: pool.limits))
  }

  package func checkpointOnRequestOnly() {}

  package var logBytes: Int { 0 }

  package func checkpoint() -> Bool { true }

  package var memoryBytes: Int { 0 }

  /// In words, how tables that grow with time are divided.
  package func partitioning() throws -> String {
    try pool.withConnection { connection in
      guard let version = try PostgresTimescale.version(connection) else { return "partitions of PostgreSQL" }
      return try PostgresTimescale.isHypertable("candle_versions", connection)
        ? "hypertables of TimescaleDB \(version)"
        : "partitions of PostgreSQL: its tables were made before TimescaleDB \(version) was installed"
    }
  }

  package func ledgerSummaries() throws -> [LedgerSummary] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT venue, symbol, kind, state, sum(range_to - range_from)::BIGINT FROM gap_ledger
        GROUP BY venue, symbol, kind, state ORDER BY venue, symbol, kind
        """)
    }
    var summaries: [LedgerSummary] = []
    for row in 0..<rows.count {
      guard let venue = Venue(try rows.text(row, 0)), let symbol = Symbol(try rows.text(row, 1)),
        let kind = LedgerKind(rawValue: try rows.text(row, 2))
      else { throw StoreError.corrupt(path: name, reason: "the ledger has a row of no series") }
      let series = Series(venue, symbol)
      if summaries.last?.series != series || summaries.last?.kind != kind {
        summaries.append(LedgerSummary(series: series, kind: kind))
      }
      summaries[summaries.count - 1].add(try rows.integer(row, 4), state: try rows.text(row, 3))
    }
    return summaries
  }

  package func oracleSummaries() throws -> [OracleSummary] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT venue, feed, count(*), min(observed_at), max(observed_at) FROM oracle_ticks
        GROUP BY venue, feed ORDER BY venue, feed
        """)
    }
    return try (0..<rows.count).map { row in
      guard let venue = Venue(try rows.text(row, 0)), let feed = Symbol(try rows.text(row, 1)) else {
        throw StoreError.corrupt(path: name, reason: "an observation is of no feed")
      }
      return OracleSummary(
        series: Series(venue, feed), ticks: Int(try rows.integer(row, 2)), first: try rows.time(row, 3),
        last: try rows.time(row, 4))
    }
  }
}
