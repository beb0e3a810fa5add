import Market
import TestSupport
import Testing

@testable import Storage

struct SchemaTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("store.duckdb") }

  init() throws { folder = try TemporaryFolder() }

  /// A file as version 1 left it.
  private func makeFirstVersion(_ candles: [Candle], _ predictions: [Prediction]) throws {
    do {
      let store = try DuckDBStore(path: path)
      try store.write(candles)
      try store.write([candles[3].changed], .archive(storedAt: 5))
      _ = try store.insert(predictions)
    }
    let session = try DuckDBSession(file: path, name: path)
    for object in ["VIEW candles_1m", "TABLE market_data", "SEQUENCE market_data_id"] {
      try session.run("DROP \(object)")
    }
    for table in ["gap_ledger", "data_quality_logs", "oracle_ticks", "oracle_minutes"] {
      try session.run("DROP TABLE \(table)")
    }
    try session.run("UPDATE store_meta SET value = '1' WHERE key = 'schema_version'")
  }

  private func version() throws -> Int64? {
    try DuckDBSession(file: path, name: path, access: .readOnly).query(
      "SELECT value::BIGINT FROM store_meta WHERE key = 'schema_version'"
    ).number()
  }

  @Test func `a file of the first version is carried over with its contents`() throws {
    let candles = Candle.random(3000, seed: 1)
    let predictions = PredictionLogTests.predictions(50)
    try makeFirstVersion(candles, predictions)
    #expect(try version() == 1)
    var expected = candles
    expected[3] = candles[3].changed
    for _ in 0..<2 {
      let store = try DuckDBStore(path: path, mode: .existing)
      #expect(try store.candles(.bitcoin).map(\.candle) == expected)
      #expect(try store.revisions(.bitcoin, in: .all, asOf: .distantFuture).count == 2)
      #expect(try store.predictions() == predictions)
      #expect(try store.session.query("SELECT count(*) FROM candles_1m").number() == 3000)
    }
    #expect(try version() == 2)
    let store = try DuckDBStore(path: path)
    var batch = LiveBatch(knownAt: .start)
    batch.ledger = [LedgerRange(.bitcoin, .minutes, 0..<5, .live, since: .start)]
    try store.commit(batch)
    #expect(try store.ledger(.bitcoin, .minutes) == batch.ledger)
  }

  @Test func `reading a file of the first version finds the new tables empty and leaves it as it is`() throws {
    let candles = Candle.random(300, seed: 2)
    try makeFirstVersion(candles, [])
    do {
      let store = try DuckDBStore(path: path, mode: .readOnly)
      #expect(try store.candles(.bitcoin).count == 300)
      #expect(try store.ledger(.bitcoin, .minutes).isEmpty)
      #expect(try store.qualityEvents(nil, unresolvedOnly: false, limit: 5).isEmpty)
      try store.readOracleTicks(.chainlink, .btcusdt, in: .all, asOf: .distantFuture) { _ in Issue.record("a tick") }
      try store.readOracleMinutes(.chainlink, .btcusdt, in: .all, asOf: .distantFuture) { _ in Issue.record("one") }
      #expect(try store.session.query("SELECT count(*) FROM candles_1m").number() == 300)
      #expect(try store.session.query("SELECT count(*) FROM market_data").number() == 0)
    }
    #expect(try version() == 1)
  }

  @Test func `a step that fails leaves the file as it was`() throws {
    try makeFirstVersion(Candle.random(300, seed: 3), [])
    try DuckDBSession(file: path, name: path).run("CREATE TABLE oracle_minutes (mine INTEGER)")
    #expect(throws: StoreError.self) { try DuckDBStore(path: path) }
    #expect(try version() == 1)
    try DuckDBSession(file: path, name: path).run("DROP TABLE oracle_minutes")
    #expect(try DuckDBStore(path: path).candles(.bitcoin).count == 300)
  }
}
