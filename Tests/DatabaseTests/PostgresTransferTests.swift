import Market
import TestSupport
import Testing

@testable import Storage

struct PostgresTransferTests {
  private let folder: TemporaryFolder
  private let database: PostgresDatabase

  init() throws {
    folder = try TemporaryFolder()
    database = try PostgresServer.shared().makeDatabase()
  }

  private func postgres(_ mode: StoreLocation.Access = .create) throws -> PostgresStore {
    try PostgresStore(PostgresLocation(database.address), mode: mode)
  }

  private func duckDB(_ name: String) throws -> DuckDBStore { try DuckDBStore(path: folder.file(name)) }

  @Test(arguments: Soak.seedsOfStores(2))
  func `everything goes to PostgreSQL and back, through a copy and through a backup`(seed: UInt64) throws {
    let original = try duckDB("original.duckdb")
    try original.fillWithEverything(seed: seed)
    let contents = try StoreContents(original)
    let server = try postgres()
    #expect(try TableTransfer.run(from: original.snapshot(), into: server).rows == contents.rows)
    #expect(try StoreContents(server) == contents)
    #expect(try server.status() == original.status())
    #expect(try server.predictions() == original.predictions())
    #expect(try server.pins() == original.pins())
    let path = folder.file("server.backup")
    _ = try BackupWriter.write(server.snapshot(), to: path, madeAt: Timestamp("2026-11-21")!)
    let file = try BackupFile(path)
    try file.verify()
    let restored = try duckDB("restored.duckdb")
    #expect(try TableTransfer.run(from: file, into: restored).rows == contents.rows)
    #expect(try StoreContents(restored) == contents)
    #expect(try StoreCheck.run(server.snapshot()).findings == [])
  }

  @Test func `a store that was copied is written to as before`() throws {
    let original = try duckDB("original.duckdb")
    try original.fillWithEverything()
    let server = try postgres()
    _ = try TableTransfer.run(from: original.snapshot(), into: server)
    var batch = LiveBatch(knownAt: Timestamp("2024-04-01")!)
    let candle = try #require(try original.candles(Series("binance:BTCUSDT")!).first).candle
    var later = candle
    later.openTime = Timestamp("2024-03-31")!
    let series = Series("bybit:BTCUSDT")!
    batch.candles = [
      LiveCandle(
        series,
        CandleRecord(
          candle: later, availableAt: batch.knownAt, knownAt: batch.knownAt, provenance: .live,
          isAvailabilityAssumed: false))
    ]
    batch.marketData = [
      MarketDataRow(series: series, time: batch.knownAt, price: Decimal8("1")!, source: "rest", dataType: "trade")
    ]
    batch.log = [SystemLogRow(time: batch.knownAt, category: "feed", level: "info", message: "later")]
    #expect(try server.commit([batch]) == [[.new]])
    #expect(try server.summary(of: series)?.rows == 1)
    #expect(
      try server.snapshot().cells("SELECT count(*), count(DISTINCT id) FROM market_data") == [["81", "81"]])
    #expect(try StoreCheck.run(server.snapshot()).findings == [])
  }

  @Test func `a snapshot does not see what is written after it`() throws {
    let server = try postgres()
    try server.fillWithEverything()
    let contents = try StoreContents(server)
    let snapshot = try server.snapshot()
    try server.setMeta("later", "yes")
    #expect(try StoreContents(snapshot) == contents)
    #expect(try StoreContents(server) != contents)
  }

  @Test func `a copy that is stopped leaves the database without rows`() throws {
    let original = try duckDB("original.duckdb")
    try original.fillWithEverything()
    let server = try postgres()
    struct Enough: Error {}
    #expect(throws: Enough.self) {
      try TableTransfer.run(from: original.snapshot(), into: server) { progress in
        if progress.rows > progress.total / 3 { throw Enough() }
      }
    }
    #expect(try StoreContents(server).rows == 0)
    _ = try TableTransfer.run(from: original.snapshot(), into: server)
    #expect(try StoreContents(server) == StoreContents(original))
  }

  /// What was done to the database, and words of the finding that names it.
  @Test(arguments: [
    ("UPDATE series SET revisions = 7", "series: binance BTCUSDT: the summary"),
    ("DELETE FROM candle_versions WHERE revision = 1", "its versions"),
    ("UPDATE candle_versions SET high = low / 2 WHERE open_time = '2024-03-01 00:07:00Z'", "prices"),
    (
      "UPDATE candle_versions SET open_time = open_time + '1 second' WHERE open_time = '2024-03-01 00:05:00Z'",
      "does not open on a whole minute"
    ),
    ("UPDATE gap_ledger SET range_to = 1000 WHERE range_from = 50", "begins before the one before it ends"),
    ("UPDATE predictions SET confidence = -1 WHERE version = 'v1'", "not between 0 and 1"),
  ])
  func `each contradiction is found and named`(damage: String, words: String) throws {
    let server = try postgres()
    try server.fillWithEverything()
    try database.run(damage)
    let findings = try StoreCheck.run(server.snapshot()).findings.map(\.description)
    #expect(findings.contains { $0.contains(words) }, "\(findings)")
  }
}
