internal import Glibc
import Market

extension DuckDBStore: LiveStore {
  @discardableResult
  package func commit(_ batches: [LiveBatch]) throws -> [[CandleOutcome]] {
    do {
      return try session.plainTransaction {
        var changes: [Series: CandleChange] = [:]
        let outcomes = try addCandles(batches, &changes)
        try settle(changes, batches.flatMap(\.ledger))
        try addPredictions(batches.flatMap(\.predictions))
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

  private func addCandles(
    _ batches: [LiveBatch], _ changes: inout [Series: CandleChange]
  ) throws -> [[CandleOutcome]] {
    var rows = CandleRows()
    let outcomes = try batches.map { batch in
      try batch.candles.map { try add($0, knownAt: batch.knownAt, to: &rows, &changes) }
    }
    try rows.write(to: session, statements)
    for series in changes.keys { memory.series[series]?.live.pages.trim() }
    return outcomes
  }

  private func add(
    _ candle: LiveCandle, knownAt: Timestamp, to rows: inout CandleRows, _ changes: inout [Series: CandleChange]
  ) throws -> CandleOutcome {
    try remember(candle.series)
    guard var entry = memory.series.removeValue(forKey: candle.series) else { return .unchanged }
    defer { memory.series[candle.series] = entry }
    let id = entry.live.id
    let last = entry.live.span?.upperBound
    let version = try entry.live.version(of: candle.record, knownAt: knownAt) { page throws(StoreError) in
      try newestVersions(of: id, in: page)
    }
    guard let version else { return .unchanged }
    entry.unwritten += 1
    rows.append(version.record, series: id, revision: version.revision)
    changes[candle.series, default: CandleChange(after: last)].note(candle, revision: version.revision)
    return version.revision == 0 ? .new : .revised
  }

  /// Looks up what is to be known of a series before candles are added to it.
  private func remember(_ series: Series) throws {
    if memory.series[series] == nil {
      memory.series[series] = LiveMemory.Entry(try entry(of: series) ?? makeEntry(for: series))
    }
    _ = try remembered(LiveMemory.LedgerKey(series: series, kind: .minutes))
  }

  private func remembered(_ key: LiveMemory.LedgerKey) throws(StoreError) -> StoredLedger {
    if let known = memory.ledgers[key] { return known }
    let stored = try tables.ledger(key.series, key.kind)
    memory.ledgers[key] = stored
    return stored
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

  // MARK: Summaries and ledgers

  /// More are written down, so that whoever counts a tail has little to read.
  private static let longestTail = 10_000

  /// Applies changes of ledgers, and writes down what does not follow from the candles alone.
  private func settle(_ changes: [Series: CandleChange], _ ranges: [LedgerRange]) throws(StoreError) {
    var before: [LiveMemory.LedgerKey: LedgerMap] = [:]
    for series in changes.keys {
      let key = LiveMemory.LedgerKey(series: series, kind: .minutes)
      before[key] = try remembered(key).map
    }
    for range in ranges {
      let key = LiveMemory.LedgerKey(series: range.series, kind: range.kind)
      let ledger = try remembered(key)
      if before[key] == nil { before[key] = ledger.map }
      memory.ledgers[key]?.map.set(range.range, range.state, since: range.since)
    }
    for (key, old) in before {
      guard let new = memory.ledgers[key]?.map else { continue }
      let change = key.kind == .minutes ? changes[key.series] : nil
      if try !follows(from: change, old, new, of: key.series) { try writeDown(key) }
    }
  }

  private func follows(
    from change: CandleChange?, _ old: LedgerMap, _ new: LedgerMap, of series: Series
  ) throws(StoreError) -> Bool {
    guard let change else { return old == new }
    return memory.series[series]?.unwritten ?? 0 <= Self.longestTail && change.leads(from: old, to: new)
  }

  /// A ledger, and with one of minutes the summary of the series: they say together what follows from later candles.
  private func writeDown(_ key: LiveMemory.LedgerKey) throws(StoreError) {
    guard let ledger = memory.ledgers[key] else { return }
    try tables.write(ledger.difference, of: key)
    memory.ledgers[key]?.written = ledger.map
    guard key.kind == .minutes else { return }
    if memory.series[key.series] == nil, let entry = try entry(of: key.series) {
      memory.series[key.series] = LiveMemory.Entry(entry)
    }
    guard let live = memory.series[key.series]?.live, let summary = live.summary(of: key.series) else { return }
    try tables.write(summary, of: live.id)
    memory.series[key.series]?.unwritten = 0
  }

  /// Writes down what otherwise follows from the candles after it, for whoever reads the tables or changes them.
  func writeDownTails() throws(StoreError) {
    let entries = try tables.unwritten()
    guard !entries.isEmpty else { return }
    try tables.writeDown(entries)
    memory = LiveMemory()
  }

  /// In a transaction of its own.
  func settleTables() throws(StoreError) {
    try Self.change(session) { try session.transaction { try writeDownTails() } }
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
    try session.foldOnRequestOnly()
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

  package func checkpoint() throws(StoreError) -> Bool {
    try settleTables()
    do {
      try session.fold()
      return true
    } catch {
      guard error.isOfReadersInTheWay else { throw error }
      return false
    }
  }
}
