import Market
import TestSupport
import Testing

@testable import Storage

struct BackupTests {
  private let folder: TemporaryFolder
  private let store: DuckDBStore
  private let madeAt = Timestamp("2026-11-21T06:00:00Z")!

  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.file("store.duckdb"))
  }

  private func backup(_ name: String = "a.backup") throws -> String {
    let path = folder.file(name)
    _ = try BackupWriter.write(store.snapshot(), to: path, madeAt: madeAt)
    return path
  }

  private func emptyStore(_ name: String = "restored.duckdb") throws -> DuckDBStore {
    try DuckDBStore(path: folder.file(name))
  }

  @Test(arguments: Soak.seedsOfStores(2))
  func `a restored store has every row of every table`(seed: UInt64) throws {
    try store.fillWithEverything(seed: seed)
    let contents = try StoreContents(store)
    let written = Set(contents.tables.filter { !$0.value.contains(" 0 0000000000000000") }.keys)
    #expect(
      written.isSuperset(of: [
        "candle_versions", "data_quality_logs", "evaluation_openings", "gap_ledger", "market_data", "oracle_minutes",
        "oracle_ticks", "predictions", "series", "store_meta", "training_metadata",
      ]))
    let file = try BackupFile(backup())
    try file.verify()
    #expect(file.manifest.madeAt == madeAt)
    #expect(file.manifest.rows == contents.rows)
    let restored = try emptyStore()
    let report = try TableTransfer.run(from: file, into: restored)
    #expect(report.rows == contents.rows)
    #expect(try StoreContents(restored) == contents)
    #expect(try restored.status() == store.status())
    #expect(try restored.predictions() == store.predictions())
    #expect(
      try restored.revisions(Series("binance:BTCUSDT")!, in: .all, asOf: .distantFuture)
        == store.revisions(Series("binance:BTCUSDT")!, in: .all, asOf: .distantFuture))
  }

  @Test func `an empty store can be backed up and restored`() throws {
    let restored = try emptyStore()
    #expect(try TableTransfer.run(from: BackupFile(backup()), into: restored).rows == 0)
  }

  @Test func `a backup is of the moment of its snapshot, and nothing waits for it`() throws {
    try store.fillWithEverything()
    let before = try StoreContents(store)
    let snapshot = try store.snapshot()
    try store.setMeta("later", "yes")
    #expect(try store.checkpoint())
    let path = folder.file("a.backup")
    _ = try BackupWriter.write(snapshot, to: path, madeAt: madeAt) { rows in
      if rows > 0 { try store.setMeta("row", "\(rows)") }
    }
    let restored = try emptyStore()
    _ = try TableTransfer.run(from: BackupFile(path), into: restored)
    #expect(try StoreContents(restored) == before)
    #expect(try store.meta("later") == "yes")
    #expect(try restored.meta("later") == nil)
  }

  @Test func `a backup with any byte changed or cut off is refused`() throws {
    try store.fillWithEverything()
    let path = try backup()
    let whole = try FileContents.read(path)
    var random = SplitMix64(seed: 7)
    for round in 0..<120 {
      var bytes = whole
      if round % 4 == 0 {
        bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
      } else {
        // Some of them near the ends, where the lengths stand.
        let place = round % 4 == 1 ? bytes.count - 1 - round : Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      let damaged = try folder.write(bytes, to: "damaged.backup")
      #expect(throws: TransferError.self, "seed 7, round \(round)") { try BackupFile(damaged).verify() }
    }
  }

  @Test func `damage that comes after the checksums were compared leaves the store empty`() throws {
    try store.fillWithEverything()
    let path = try backup()
    let file = try BackupFile(path)
    try file.verify()
    var bytes = try FileContents.read(path)
    bytes[bytes.count / 2] ^= 0x10
    try FileContents.overwrite(path, bytes)
    let restored = try emptyStore()
    #expect(throws: (any Error).self) { try TableTransfer.run(from: file, into: restored) }
    #expect(try StoreContents(restored).rows == 0)
  }

  @Test func `what is no backup is told from a damaged one`() throws {
    let text = try folder.write("time,open,high\n", to: "candles.csv")
    #expect(throws: TransferError.notABackup(path: text)) { try BackupFile(text) }
    #expect(throws: TransferError.unreadable(path: folder.file("none"), reason: "No such file or directory")) {
      try BackupFile(folder.file("none"))
    }
    #expect(throws: TransferError.unreadable(path: folder.path, reason: "it is not a file")) {
      try BackupFile(folder.path)
    }
  }

  @Test func `a backup never takes another file's place, and a failed one leaves nothing`() throws {
    let path = try folder.write("mine", to: "a.backup")
    #expect(throws: TransferError.notWritable(path: path, reason: "it is there already")) { try backup() }
    try store.fillWithEverything()
    struct Enough: Error {}
    #expect(throws: Enough.self) {
      try BackupWriter.write(store.snapshot(), to: folder.file("b.backup"), madeAt: madeAt) { _ in throw Enough() }
    }
    #expect(try FileContents.names(in: folder.path).filter { $0.contains("backup") } == ["a.backup"])
  }

  @Test func `only an empty store is filled`() throws {
    try store.fillWithEverything()
    let path = try backup()
    let other = try emptyStore()
    try other.setMeta("mine", "1")
    #expect(throws: TransferError.notEmpty(store: other.name, table: "store_meta", rows: 1)) {
      try TableTransfer.run(from: BackupFile(path), into: other)
    }
    #expect(try StoreContents(other).rows == 1)
  }

  @Test(arguments: [0.1, 0.6, 0.95])
  func `a restore that is stopped leaves the store empty`(fraction: Double) throws {
    try store.fillWithEverything()
    let restored = try emptyStore()
    struct Enough: Error {}
    #expect(throws: Enough.self) {
      try TableTransfer.run(from: store.snapshot(), into: restored) { progress in
        if Double(progress.rows) > fraction * Double(progress.total) { throw Enough() }
      }
    }
    #expect(try StoreContents(restored).rows == 0)
    _ = try TableTransfer.run(from: store.snapshot(), into: restored)
    #expect(try StoreContents(restored) == StoreContents(store))
  }

  @Test func `numbers that the database gives out go on after the restored ones`() throws {
    try store.fillWithEverything()
    let restored = try emptyStore()
    _ = try TableTransfer.run(from: store.snapshot(), into: restored)
    var batch = LiveBatch(knownAt: madeAt)
    batch.marketData = [
      MarketDataRow(
        series: Series("binance:BTCUSDT")!, time: madeAt, price: Decimal8("1")!, source: "rest", dataType: "trade")
    ]
    try restored.commit([batch])
    #expect(
      try restored.snapshot().cells("SELECT count(*), count(DISTINCT id) FROM market_data") == [["81", "81"]])
  }

  @Test func `what a newer version wrote is refused by name`() throws {
    try store.session.run("CREATE TABLE of_tomorrow (a INTEGER)")
    let restored = try emptyStore()
    // An unknown table without rows says nothing.
    _ = try TableTransfer.run(from: store.snapshot(), into: restored)
    try store.session.run("INSERT INTO of_tomorrow VALUES (1)")
    #expect(
      throws: TransferError.unknownTable(store: restored.name, source: store.name, table: "of_tomorrow")
    ) { try TableTransfer.run(from: store.snapshot(), into: restored) }
    try store.session.run("DROP TABLE of_tomorrow")
    try store.session.run("ALTER TABLE series ADD COLUMN colour VARCHAR")
    #expect(
      throws: TransferError.unknownColumn(store: restored.name, source: store.name, column: "series.colour (text)")
    ) { try TableTransfer.run(from: store.snapshot(), into: restored) }
  }

  @Test func `columns that the source does not know stay empty`() throws {
    try store.recordTraining(.of(madeAt))
    let newer = try emptyStore()
    try newer.session.run("ALTER TABLE training_metadata ADD COLUMN of_tomorrow DOUBLE")
    _ = try TableTransfer.run(from: store.snapshot(), into: newer)
    #expect(
      try newer.snapshot().cells("SELECT version, of_tomorrow FROM training_metadata") == [["v1", nil]])
  }

  @Test func `every type that a table may have is carried`() throws {
    let definition = """
      CREATE TABLE kinds (a BOOLEAN, b UTINYINT, c SMALLINT, d INTEGER, e BIGINT, f UBIGINT, g DOUBLE, h VARCHAR,
        i JSON, j TIMESTAMPTZ, k TIMESTAMP, l DATE, m DECIMAL(4,2), n DECIMAL(9,0), o DECIMAL(10,4), p DECIMAL(38,18))
      """
    try store.session.run(definition)
    try store.session.run(
      """
      INSERT INTO kinds VALUES
        (true, 255, -32768, 2147483647, -9223372036854775808, 18446744073709551615, -0.0, 'ünï', '{"a": [1]}',
          'infinity', '1969-12-31 23:59:59.999999', '0001-01-01', -99.99, 999999999, 123456.7891,
          12345678901234567890.123456789012345678),
        (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (false, 0, 0, 0, 0, 0, 'nan', '', '1', '-infinity', '2024-02-29', '9999-12-31', 0.01, -1, -0.0001, 1e-18)
      """)
    let copy = try emptyStore()
    try copy.session.run(definition)
    _ = try TableTransfer.run(from: BackupFile(backup()), into: copy)
    #expect(
      try copy.snapshot().cells("SELECT * FROM kinds ORDER BY e")
        == store.snapshot().cells(
          "SELECT * FROM kinds ORDER BY e"))
  }
}

extension TrainingRecord {
  fileprivate static func of(_ time: Timestamp) -> TrainingRecord {
    TrainingRecord(
      trainedAt: time, view: MarketView("binance:BTCUSDT")!, target: PredictionTarget("direction-15m")!, version: "v1",
      modelName: .ensemble, trainedOn: time..<time.adding(minutes: 600), rows: 600, logLoss: nil, auc: nil,
      accuracy: nil, verdict: "kept back")
  }
}
