import Market
import TestSupport
import Testing

@testable import Storage

struct SchemaTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("store.duckdb") }

  init() throws { folder = try TemporaryFolder() }

  /// A file as an older version left it.
  private func makeFile(version: Int, _ candles: [Candle], _ predictions: [Prediction]) throws {
    let newest = folder.file("newest.duckdb")
    do {
      let store = try DuckDBStore(path: newest)
      try store.write(candles)
      try store.write([candles[3].changed], .archive(storedAt: 5))
      _ = try store.insert(predictions)
    }
    let session = try DuckDBSession(file: path, name: path)
    try StoreSchema.create(in: session, version: version)
    try session.run("DROP TABLE schema_migrations")
    try session.run("ATTACH '\(newest)' AS newest (READ_ONLY)")
    for table in ["series", "candle_versions", "predictions"] {
      guard table == "predictions" else {
        try session.run("INSERT INTO \(table) SELECT * FROM newest.\(table)")
        continue
      }
      let columns = Self.firstPredictionColumns
      try session.run("INSERT INTO predictions (\(columns)) SELECT \(columns) FROM newest.predictions")
    }
    try session.run(
      """
      INSERT INTO training_metadata (trained_at, market_view, target, version, model_name, trained_from, trained_to,
        row_count, log_loss, auc, accuracy, verdict) VALUES ('2024-01-01 00:00:00Z', 'binance:BTCUSDT', 'direction-15m', 'v1', 'ModelA',
        '2023-01-01 00:00:00Z', '2024-01-01 00:00:00Z', 9, 0.69, 0.5, 0.51, 'passed')
      """)
    guard version > 1 else { return }
    try session.run(
      "INSERT INTO market_data (symbol, timestamp, price, source, created_at, venue) VALUES "
        + "('BTCUSDT', 5, 1.5, 'rest', '2024-03-01T10:00:00Z', 'binance')")
  }

  /// Those of version 1.
  private static let firstPredictionColumns = """
    time, direction, confidence, model_name, probability_up, change_percent, available_at, market_view, target, version,
    mode, state, reason, feature_set_hash, input_hash, latency_ns
    """

  /// What an older version could say.
  private static func plainPredictions(_ count: Int) -> [Prediction] {
    PredictionLogTests.predictions(count).map { prediction in
      var prediction = prediction
      prediction.forecast = nil
      return prediction
    }
  }

  private func version() throws -> Int64? {
    try DuckDBSession(file: path, name: path, access: .readOnly).query(
      "SELECT value::BIGINT FROM store_meta WHERE key = 'schema_version'"
    ).number()
  }

  private func checksums() throws -> [String] {
    let session = try DuckDBSession(file: path, name: path, access: .readOnly)
    let there = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_migrations'"
    guard try session.query(there).number() == 1 else { return [] }
    var texts: [String] = []
    try session.query("SELECT checksum FROM schema_migrations ORDER BY version").forEachRow { chunk, row in
      texts.append(chunk.column(0).text(row))
    }
    return texts
  }

  @Test(arguments: [1, 2, 5])
  func `a file of an older version is carried over with its contents`(old: Int) throws {
    let candles = Candle.random(3000, seed: 1)
    let predictions = Self.plainPredictions(50)
    try makeFile(version: old, candles, predictions)
    #expect(try version() == Int64(old))
    var expected = candles
    expected[3] = candles[3].changed
    for _ in 0..<2 {
      let store = try DuckDBStore(path: path, mode: .existing)
      #expect(try store.candles(.bitcoin).map(\.candle) == expected)
      #expect(try store.revisions(.bitcoin, in: .all, asOf: .distantFuture).count == 2)
      #expect(try store.predictions() == predictions)
      #expect(try store.session.query("SELECT count(*) FROM candles_1m").number() == 3000)
      #expect(try store.session.query("SELECT count(*) FROM \"rollingChartData\"").number() == 3000)
      #expect(try store.session.query("SELECT count(*) FROM \"mlTrainingBatches\"").number() == 1)
      let kept = "SELECT count(*) FROM market_data WHERE created_at = TIMESTAMP '2024-03-01 10:00:00' AND id = 1"
      #expect(try store.session.query(kept).number() == (old > 1 ? 1 : 0))
      // Files of later versions have their pins already.
      #expect(try store.pins().map(\.range) == (old < 3 ? [candles[0].openTime..<candles[2999].closeTime] : []))
    }
    #expect(try version() == Int64(StoreSchema.version))
    #expect(try checksums() == StoreSchema.steps.map(\.checksum))
    let known = "SELECT count(*) FROM schema_migrations WHERE applied_at IS NOT NULL"
    #expect(try DuckDBSession(file: path, name: path).query(known).number() == Int64(StoreSchema.version - old))
    let store = try DuckDBStore(path: path)
    var batch = LiveBatch(knownAt: .start)
    batch.ledger = [LedgerRange(.bitcoin, .minutes, 0..<5, .live, since: .start)]
    try store.commit(batch)
    #expect(try store.ledger(.bitcoin, .minutes) == batch.ledger)
  }

  @Test(arguments: [1, 2, 5])
  func `reading a file of an older version finds the new tables empty and leaves it as it is`(old: Int) throws {
    let candles = Candle.random(300, seed: 2)
    let predictions = Self.plainPredictions(20)
    try makeFile(version: old, candles, predictions)
    do {
      let store = try DuckDBStore(path: path, mode: .readOnly)
      #expect(try store.candles(.bitcoin).count == 300)
      #expect(try store.predictions() == predictions)
      #expect(try store.session.query("SELECT count(*) FROM \"persistentForecasts\"").number() == 20)
      #expect(try store.ledger(.bitcoin, .minutes).isEmpty)
      #expect(try store.qualityEvents(nil, unresolvedOnly: false, limit: 5).isEmpty)
      try store.readOracleTicks(.chainlink, .btcusdt, in: .all, asOf: .distantFuture) { _ in Issue.record("a tick") }
      try store.readOracleMinutes(.chainlink, .btcusdt, in: .all, asOf: .distantFuture) { _ in Issue.record("one") }
      #expect(try store.session.query("SELECT count(*) FROM candles_1m").number() == 300)
      #expect(try store.session.query("SELECT count(*) FROM market_data").number() == (old > 1 ? 1 : 0))
      #expect(try store.session.query("SELECT count(*) FROM \"rollingChartData\"").number() == 300)
      #expect(try store.session.query("SELECT count(*) FROM \"mlTrainingBatches\"").number() == 1)
      #expect(try store.pins().isEmpty)
    }
    #expect(try version() == Int64(old))
    #expect(try checksums().isEmpty)
  }

  @Test func `a file without checksums gets them when it is opened for writing`() throws {
    do {
      let store = try DuckDBStore(path: path)
      try store.write(Candle.random(300, seed: 4))
      try store.session.run("DROP TABLE schema_migrations")
    }
    do { #expect(try DuckDBStore(path: path, mode: .readOnly).candles(.bitcoin).count == 300) }
    #expect(try checksums().isEmpty)
    do { #expect(try DuckDBStore(path: path, mode: .existing).candles(.bitcoin).count == 300) }
    #expect(try checksums() == StoreSchema.steps.map(\.checksum))
  }

  @Test(arguments: [StoreLocation.Access.existing, .readOnly])
  func `a step that was another one is refused by its number and both checksums`(mode: StoreLocation.Access) throws {
    do { try DuckDBStore(path: path).session.run("UPDATE schema_migrations SET checksum = 'x' WHERE version = 2") }
    let step = StoreSchema.steps[1]
    let reason = "step 2 was live x, not live \(step.checksum)"
    #expect(throws: StoreError.alteredSchema(path: path, reason: reason)) { try DuckDBStore(path: path, mode: mode) }
  }

  @Test func `a journal that lacks a step is refused`() throws {
    let newest = StoreSchema.version
    do { try DuckDBStore(path: path).session.run("DELETE FROM schema_migrations WHERE version = \(newest)") }
    let error = try #require(throws: StoreError.self) { try DuckDBStore(path: path) }
    let fact = "schema_migrations has \(newest - 1) steps, and store_meta says \(newest)"
    #expect("\(error)".contains(fact), "\(error)")
  }

  @Test func `another program's journal is left alone`() throws {
    do {
      let store = try DuckDBStore(path: path)
      try store.session.run("DROP TABLE schema_migrations")
      try store.session.run("CREATE TABLE schema_migrations (version VARCHAR)")
    }
    #expect(throws: StoreError.foreign(path: path)) { try DuckDBStore(path: path) }
  }

  private static let released = [
    "d0f33a127c25d8dc", "84bfe89ba14f6322", "df06c16acc65129f", "a1e1fa3b2fb5f2d0", "d44a539858b29368",
    "f9ed99f5e7b448c4",
  ]
  private static let releasedPostgres = [
    "27c02be275230aad", "db83c980da61751a", "9d29ff39a808e1e4", "83d31a7a40c54869", "61d5d07a3844ae10",
    "7f19c5806d3fad56",
  ]

  /// What a step does is never changed: the stores that it made would be refused.
  @Test func `the released steps are what they were`() {
    #expect(StoreSchema.steps.map(\.checksum) == Self.released)
    #expect(PostgresSchema.steps.map(\.checksum) == Self.releasedPostgres)
  }

  @Test func `a step that fails leaves the file as it was`() throws {
    try makeFile(version: 1, Candle.random(300, seed: 3), [])
    try DuckDBSession(file: path, name: path).run("CREATE TABLE oracle_minutes (mine INTEGER)")
    #expect(throws: StoreError.self) { try DuckDBStore(path: path) }
    #expect(try version() == 1)
    try DuckDBSession(file: path, name: path).run("DROP TABLE oracle_minutes")
    #expect(try DuckDBStore(path: path).candles(.bitcoin).count == 300)
  }

  @Test func `what nobody was told is no forecast`() throws {
    var predictions = Self.plainPredictions(3)
    for (place, arm) in Prediction.Arm.allCases.enumerated() { predictions[place].arm = arm }
    let store = try DuckDBStore(path: path)
    _ = try store.insert(predictions)
    #expect(try store.session.query("SELECT count(*) FROM \"persistentForecasts\"").number() == 2)
  }

  @Test func `a move of seconds is a forecast of a minute`() throws {
    var prediction = Self.plainPredictions(1)[0]
    (prediction.target, prediction.changePercent) = (.move(horizonSeconds: 60), 0.25)
    let store = try DuckDBStore(path: path)
    _ = try store.insert([prediction])
    #expect(try store.session.query("SELECT forecast_horizon::BIGINT FROM \"persistentForecasts\"").number() == 1)
  }
}
