internal import Glibc
import Market

extension DuckDBStore: LiveStore {
  @discardableResult
  package func commit(_ batches: [LiveBatch]) throws -> [[CandleOutcome]] {
    do {
      return try session.plainTransaction {
        let outcomes = try addCandles(batches)
        try addPredictions(batches.flatMap(\.predictions))
        try setLedger(batches.flatMap(\.ledger))
        try setQuality(batches.flatMap(\.quality))
        try addTicks(batches)
        try addOracleMinutes(batches)
        try addMarketData(batches)
        try addFeatures(batches)
        try addLog(batches.flatMap(\.log))
        return outcomes
      }
    } catch {
      memory = LiveMemory()
      throw error
    }
  }

  // MARK: Candles

  private func addCandles(_ batches: [LiveBatch]) throws -> [[CandleOutcome]] {
    guard batches.contains(where: { !$0.candles.isEmpty }) else { return batches.map { _ in [] } }
    let appender = try ChunkAppender(session, table: "candle_versions", CandleColumns.tableTypes)
    var changed = Set<Series>()
    let outcomes = try batches.map { batch in
      try batch.candles.map { candle in
        let outcome = try add(candle, knownAt: batch.knownAt, to: appender)
        if outcome != .unchanged { changed.insert(candle.series) }
        return outcome
      }
    }
    try appender.finish()
    for series in changed {
      if let live = memory.series[series] { try saveSummary(live) }
      memory.series[series]?.pages.trim()
    }
    return outcomes
  }

  private func add(_ candle: LiveCandle, knownAt: Timestamp, to appender: ChunkAppender) throws -> CandleOutcome {
    if memory.series[candle.series] == nil {
      memory.series[candle.series] = LiveSeries(try entry(of: candle.series) ?? makeEntry(for: candle.series))
    }
    guard var live = memory.series.removeValue(forKey: candle.series) else { return .unchanged }
    defer { memory.series[candle.series] = live }
    let id = live.id
    let version = try live.version(of: candle.record, knownAt: knownAt) { page throws(StoreError) in
      try newestVersions(of: id, in: page)
    }
    guard let version else { return .unchanged }
    try CandleColumns.append(version.record, series: id, revision: version.revision, to: appender)
    return version.revision == 0 ? .new : .revised
  }

  private func newestVersions(
    of series: Int32, in range: Range<Timestamp>
  ) throws(StoreError) -> [VersionPages.Version] {
    let result = try session.planned { () throws(StoreError) in
      try statements.query(
        "SELECT \(CandleColumns.selection) FROM candle_versions WHERE series = ? AND open_time >= ? AND open_time < ?",
        [.integer(Int64(series)), .instant(range.lowerBound), .instant(range.upperBound)])
    }
    var window = VersionWindow()
    try result.forEachChunk { chunk throws(StoreError) in
      let candles = CandleChunk(chunk)
      for row in 0..<candles.count { window.append(candles.record(row), revision: candles.revision(row)) }
    }
    window.keepNewest()
    return zip(window.records, window.revisions).map { record, revision in
      VersionPages.Version(candle: record.candle, revision: revision, knownAt: record.knownAt)
    }
  }

  private func saveSummary(_ series: LiveSeries) throws(StoreError) {
    guard let span = series.span else { return }
    try statements.run(
      "UPDATE series SET row_count = ?, revisions = ?, first_open = ?, last_open = ? WHERE id = ?",
      [
        .integer(Int64(series.rows)), .integer(Int64(series.revisions)), .instant(span.lowerBound),
        .instant(span.upperBound), .integer(Int64(series.id)),
      ])
  }

  // MARK: Predictions

  private func addPredictions(_ predictions: [Prediction]) throws {
    guard let first = predictions.map(\.time).min(), let last = predictions.map(\.time).max() else { return }
    var seen = Set<PredictionKey>()
    let stored = try session.planned { () throws(StoreError) in
      try statements.query(
        "SELECT \(PredictionKey.selection) FROM predictions WHERE time >= ? AND time <= ?",
        [.instant(first), .instant(last)])
    }
    try stored.forEachRow { chunk, row throws(StoreError) in seen.insert(PredictionKey(chunk, row)) }
    let appender = try ChunkAppender(session, table: "predictions", PredictionColumns.types)
    for prediction in predictions where seen.insert(PredictionKey(prediction)).inserted {
      try PredictionColumns.append(prediction, to: appender)
    }
    try appender.finish()
  }

  // MARK: Market data

  private func addMarketData(_ batches: [LiveBatch]) throws {
    let count = batches.reduce(0) { $0 + $1.marketData.count }
    guard count > 0 else { return }
    var ids: [Int64] = []
    try statements.query("SELECT nextval('market_data_id') FROM range(?)", [.integer(Int64(count))]).forEachRow {
      chunk, row throws(StoreError) in
      ids.append(chunk.column(0).value(row))
    }
    let appender = try ChunkAppender(
      session, table: "market_data",
      [.bigint, .text, .bigint, .decimal, .decimal, .decimal, .decimal, .text, .text, .plainTime, .text])
    var id = ids.makeIterator()
    for batch in batches {
      for row in batch.marketData {
        appender.set(0, optional: id.next())
        appender.set(1, text: row.series.symbol.name)
        appender.set(2, row.time.milliseconds)
        appender.set(3, row.price)
        appender.set(4, row.volume)
        appender.set(5, row.bidPrice)
        appender.set(6, row.askPrice)
        appender.set(7, text: row.source)
        appender.set(8, text: row.dataType)
        appender.set(9, batch.knownAt)
        appender.set(10, text: row.series.venue.name)
        try appender.endRow()
      }
    }
    try appender.finish()
  }

  // MARK: The file

  /// Leaves it to `checkpoint` to fold the log of commits into the file.
  package func checkpointOnRequestOnly() throws(StoreError) {
    try session.run("SET checkpoint_threshold = '64GB'")
  }

  /// Of the log of commits that are not in the file yet.
  package var logBytes: Int {
    var status = stat()
    return stat(path + ".wal", &status) == 0 ? Int(status.st_size) : 0
  }

  /// Memory that the database has taken for pages of the file and for what it works on.
  package var memoryBytes: Int {
    get throws(StoreError) {
      try session.query("SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()").number().map { Int($0) } ?? 0
    }
  }

  /// Folds the log of commits into the file.
  package func checkpoint() throws(StoreError) { try session.run("CHECKPOINT") }
}
