import Market

extension PostgresStore: LiveStore {
  @discardableResult
  package func commit(_ batches: [LiveBatch]) throws -> [[CandleOutcome]] {
    var attempts = 1
    while true {
      do {
        return try commitOnce(batches)
      } catch let conflict as PostgresConflict {
        forget()
        guard attempts < Self.attempts else { throw conflict.error }
        attempts += 1
      } catch {
        forget()
        throw error
      }
    }
  }

  /// Another writer of the same series that is always faster would be strange.
  private static let attempts = 5

  private func forget() {
    memory = PostgresMemory()
    partitions.forget()
  }

  private func commitOnce(_ batches: [LiveBatch]) throws -> [[CandleOutcome]] {
    try pool.withConnection { connection in
      var commit = PostgresCommit()
      let outcomes = try addCandles(batches, to: &commit, connection)
      try setLedger(batches.flatMap(\.ledger), in: &commit, connection)
      try addOracleMinutes(batches, to: &commit, connection)
      try addMarketData(batches, to: &commit, connection)
      addPredictions(batches.flatMap(\.predictions), to: &commit)
      addTicks(batches, to: &commit)
      setQuality(batches.flatMap(\.quality), in: &commit)
      addFeatures(batches, to: &commit)
      addLog(batches.flatMap(\.log), to: &commit)
      try finish(commit, connection)
      for series in commit.touched { memory.series[series]?.live.pages.trim() }
      hasCommitted = true
      return outcomes
    }
  }

  /// Sends everything in one round trip, the guards of the series first.
  private func finish(_ commit: PostgresCommit, _ connection: PostgresConnection) throws {
    let guards = try commit.touched.map { series in
      guard let entry = memory.series[series] else {
        throw StoreError.failed(path: name, reason: "no row of \(series)")
      }
      return entry
    }.sorted { $0.live.id < $1.live.id }.map(Self.guarding)
    guard !guards.isEmpty || !commit.statements.isEmpty else { return }
    for (table, times) in commit.times { try partitions.ensure(table, for: times.sorted()) }
    do throws(StoreError) {
      _ = try connection.pipeline(guards + commit.statements)
    } catch {
      throw PostgresConflict(error, code: connection.lastErrorCode) ?? error
    }
    for series in commit.touched { memory.series[series]?.writes += 1 }
  }

  /// Writes a series' summary, unless another transaction has changed the series since we read it: then it divides by
  /// zero, which undoes all that is sent with it. The row is locked until the end.
  private static func guarding(_ entry: PostgresMemory.Entry) -> PostgresStatement {
    let live = entry.live
    return PostgresStatement(
      """
      WITH seen AS (
        UPDATE series SET row_count = $3, revisions = $4, first_open = $5, last_open = $6, writes = writes + 1
        WHERE id = $1 AND writes = $2 RETURNING id
      ) SELECT 1 / count(*) FROM seen
      """,
      [
        .integer(Int64(live.id)), .integer(entry.writes), .integer(Int64(live.rows)), .integer(Int64(live.revisions)),
        .instant(live.span?.lowerBound ?? .distantFuture), .instant(live.span?.upperBound ?? .distantPast),
      ])
  }

  // MARK: Candles

  private func addCandles(
    _ batches: [LiveBatch], to commit: inout PostgresCommit, _ connection: PostgresConnection
  ) throws -> [[CandleOutcome]] {
    try batches.map { batch in
      try batch.candles.map { candle in
        try remember(candle.series, connection)
        guard var entry = memory.series.removeValue(forKey: candle.series) else { return .unchanged }
        defer { memory.series[candle.series] = entry }
        let id = entry.live.id
        let version = try entry.live.version(of: candle.record, knownAt: batch.knownAt) { page throws(StoreError) in
          try newestVersions(connection, of: id, in: page)
        }
        guard let version else { return .unchanged }
        commit.touched.insert(candle.series)
        commit.times[.candles, default: []].insert(version.record.candle.openTime)
        commit.add(
          PostgresCandleColumns.insertion,
          PostgresCandleColumns.values(version.record, series: id, revision: version.revision))
        return version.revision == 0 ? .new : .revised
      }
    }
  }

  /// The row of a series is read before anything else of it, so that later changes are noticed.
  func remember(_ series: Series, _ connection: PostgresConnection) throws(StoreError) {
    guard memory.series[series] == nil else { return }
    memory.series[series] = PostgresMemory.Entry(try madeEntry(connection, of: series))
  }

  private func newestVersions(
    _ connection: PostgresConnection, of series: Int32, in range: Range<Timestamp>
  ) throws(StoreError) -> [VersionPages.Version] {
    let window = try connection.versions(of: series, in: range, asOf: .distantFuture)
    return zip(window.records, window.revisions).map { record, revision in
      VersionPages.Version(candle: record.candle, revision: revision, knownAt: record.knownAt)
    }
  }

  // MARK: Predictions

  private func addPredictions(_ predictions: [Prediction], to commit: inout PostgresCommit) {
    for prediction in predictions {
      commit.times[.predictions, default: []].insert(prediction.time)
      commit.add(PostgresPredictionColumns.insertion, PostgresPredictionColumns.values(prediction))
    }
  }

  // MARK: Market data

  private func addMarketData(
    _ batches: [LiveBatch], to commit: inout PostgresCommit, _ connection: PostgresConnection
  ) throws {
    for batch in batches where !batch.marketData.isEmpty {
      guard try !isStored(batch, connection) else { continue }
      for row in batch.marketData {
        commit.times[.marketData, default: []].insert(row.time)
        commit.add(
          """
          INSERT INTO market_data (symbol, timestamp, price, volume, bid_price, ask_price, source, data_type,
            created_at, venue) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
          """,
          [
            .text(row.series.symbol.name), .integer(row.time.milliseconds), .decimal(row.price), .decimal(row.volume),
            .decimal(row.bidPrice), .decimal(row.askPrice), .text(row.source), .text(row.dataType),
            .instant(batch.knownAt), .text(row.series.venue.name),
          ])
      }
    }
  }

  /// Whether a batch was committed by a connection that broke before it could say so. It can only be the one that is
  /// tried again first, and its rows are told by when they count as stored.
  private func isStored(_ batch: LiveBatch, _ connection: PostgresConnection) throws(StoreError) -> Bool {
    guard !hasCommitted, let row = batch.marketData.first else { return false }
    return try connection.query(
      """
      SELECT count(*) FROM market_data WHERE symbol = $1 AND timestamp = $2 AND venue = $3 AND created_at = $4
        AND data_type = $5 AND price = $6
      """,
      [
        .text(row.series.symbol.name), .integer(row.time.milliseconds), .text(row.series.venue.name),
        .instant(batch.knownAt), .text(row.dataType), .decimal(row.price),
      ]
    ).integer(0, 0) > 0
  }
}

/// Statements that are committed together.
struct PostgresCommit {
  private(set) var statements: [PostgresStatement] = []
  /// Series whose candles or ledger change.
  var touched: Set<Series> = []
  /// Of the rows, by table.
  var times: [PostgresPartitions.Table: Set<Timestamp>] = [:]

  mutating func add(_ sql: String, _ values: [PostgresValue]) { statements.append(PostgresStatement(sql, values)) }
}

/// What is remembered is not what is stored; with a fresh memory the same commit may succeed.
private struct PostgresConflict: Error {
  let error: StoreError

  /// A guard's division, a row that is there already, a partition that is gone, and two that wait for one another.
  init?(_ error: StoreError, code: String) {
    guard ["22012", "23505", "23514", "40001", "40P01"].contains(code) else { return nil }
    if case .unavailable = error { return nil }
    self.error = code == "22012" ? .locked(path: error.place, holder: "another writer of the same series") : error
  }
}

extension StoreError {
  fileprivate var place: String {
    switch self {
    case .failed(let path, _), .locked(let path, _): path
    default: "the store"
    }
  }
}
