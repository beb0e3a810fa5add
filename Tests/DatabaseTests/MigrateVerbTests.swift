import Market
import TestSupport
import Testing

@testable import Storage
@testable import candlecast

struct MigrateVerbTests {
  private let folder: TemporaryFolder
  private let program: TestedProgram
  private let newest = StoreSchema.version

  init() throws {
    folder = try TemporaryFolder()
    program = TestedProgram(folder: folder)
  }

  /// Of the tables that every version has, and of what the newest one made of them.
  private func expectContents(_ store: any Store, version: Int) throws {
    func cells(_ sql: String) throws -> [[String?]] { try store.snapshot().cells(sql) }
    let series = Series("binance:BTCUSDT")!
    let day = Timestamp("2024-03-01")!..<Timestamp("2024-03-02")!
    let candles = try store.candles(series).map(\.candle)
    #expect(candles.map(\.openTime) == (0..<1440).map { day.lowerBound.adding(minutes: $0) })
    #expect(candles.allSatisfy { $0.low == Decimal8("99.25") && $0.volume == Decimal8("2.00000001") })
    let predictions = try store.predictions()
    #expect(predictions.map(\.inputHash) == [.max] && predictions.map(\.probabilityUp) == [0.625])
    #expect(try cells("SELECT row_count, validation_row_count, rmse FROM training_metadata") == [["9", nil, nil]])
    #expect(try cells("SELECT count(*) FROM \"rollingChartData\"") == [["1440"]])
    #expect(try cells("SELECT count(*) FROM ohlcv_15m") == [["96"]])
    #expect(try cells("SELECT count(*) FROM \"persistentForecasts\"") == [["1"]])
    let data = try cells("SELECT created_at FROM market_data")
    #expect(data == (version > 1 ? [["2024-03-01 10:00:00"]] : []))
    // Pins came with version 3, which keeps what was imported before.
    #expect(try store.pins().map(\.range) == (version < 3 ? [day] : []))
  }

  private func expectMigration(of store: String, from version: Int) {
    let migration = program.run("db migrate --store \(store)")
    let steps = (version + 1...newest).map { "step \($0) of \(newest)\n" }.joined()
    #expect(
      migration.output == steps + "\(store): brought from schema \(version) to \(newest)\n", "\(migration.error)")
    #expect(
      program.run("db migrate --store \(store)").output == "\(store) has schema \(newest) already; nothing to do\n")
    let check = program.run("db check --store \(store)")
    #expect(check.output.contains("all in order"), "\(check.output)\(check.error)")
  }

  @Test(arguments: 1..<StoreSchema.version)
  func `a file of an older version is read as it is, and keeps its contents when it is migrated`(version: Int) throws {
    let path = folder.file("old.duckdb")
    try OldStore.makeFile(path, version: version)
    let status = program.run("db status --store duckdb:\(path)")
    #expect(status.output.contains("schema  \(version) of \(newest): run `candlecast db migrate`"), "\(status.error)")
    expectMigration(of: "duckdb:\(path)", from: version)
    try expectContents(try DuckDBStore(path: path, mode: .readOnly), version: version)
  }

  @Test(arguments: 1..<StoreSchema.version)
  func `a database of an older version says what to do, and keeps its contents when it is migrated`(version: Int) throws
  {
    let database = try PostgresServer.shared().makeDatabase()
    try OldStore.makeTables(in: database, version: version)
    let status = program.run("db status --store \(database.address)")
    #expect(status.code == .unreachable && status.error.contains("`candlecast db migrate` brings them up to date"))
    expectMigration(of: database.address, from: version)
    try expectContents(
      try PostgresStore(PostgresLocation(database.address), mode: .readOnly), version: version)
  }

  @Test(arguments: 1..<StoreSchema.version)
  func `init brings an older store up to date, and says so`(version: Int) throws {
    let path = folder.file("old.duckdb")
    try OldStore.makeFile(path, version: version)
    let made = program.run("db init --store duckdb:\(path)")
    #expect(made.output == "duckdb:\(path): brought from schema \(version) to \(newest)\n", "\(made.error)")
    #expect(program.run("db migrate --store duckdb:\(folder.file("none.duckdb"))").code == .unreachable)
  }
}
