import Market
import TestSupport
import Testing

@testable import Storage

/// The tables and queries of the united systems on a store that the program's own writers have filled.
struct SeedTableTests {
  private let folder: TemporaryFolder
  private let store: DuckDBStore
  private let filling: Filling

  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.file("store.duckdb"))
    var filling = try Filling(folder.path)
    try filling.write(to: store)
    self.filling = filling
  }

  /// Each row as texts in the order of the columns.
  private func rows(_ sql: String) throws -> [[String]] {
    let texts = """
      SELECT concat_ws(chr(31), *COLUMNS(*)) FROM (SELECT coalesce(COLUMNS(*)::VARCHAR, '') FROM (\(sql)
      ) printed) texts
      """
    var rows: [[String]] = []
    try store.session.query(texts).forEachRow { chunk, row throws(StoreError) in
      rows.append(
        chunk.column(0).text(row).split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init))
    }
    return rows
  }

  @Test func `every printed query runs as printed and says what was written`() throws {
    #expect(filling.predictions.count > 1000)
    for query in SeedQuery.all {
      try withKnownPlace(query) {
        try store.session.run(query.text(filling))
        if let inner = query.inner(filling) { query.check(try rows(inner), filling) }
      }
    }
  }

  private func withKnownPlace(_ query: SeedQuery, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      Issue.record("\(query.place): \(error)")
    }
  }

  @Test(arguments: SeedTable.all)
  func `a printed table has its columns first, in their types`(table: SeedTable) throws {
    var columns: [String] = []
    try store.session.query(
      "SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE table_name = '\(table.name)' "
        + "ORDER BY ordinal_position"
    ).forEachRow { chunk, row throws(StoreError) in columns.append(chunk.column(0).text(row)) }
    #expect(Array(columns.prefix(table.columns.count)) == table.columns.map { "\($0.name) \(Self.nearest($0.type))" })
  }

  /// DuckDB keeps no lengths, and numbers rows by sequences or in views.
  private static func nearest(_ type: String) -> String {
    switch type {
    case "SERIAL": "INTEGER"
    case "BIGSERIAL": "BIGINT"
    case "JSONB": "JSON"
    case _ where type.hasPrefix("VARCHAR") || type == "TEXT": "VARCHAR"
    default: type
    }
  }

  @Test func `every table is filled, but for those that nothing writes yet`() throws {
    for table in SeedTable.all.map(\.name) + SeedTable.named {
      let count = try store.session.query("SELECT count(*) FROM \"\(table)\"").number() ?? -1
      #expect((count == 0) == SeedTable.withoutWriter.contains(table), "\(table) has \(count) rows")
    }
  }

  @Test func `ids are of their own`() throws {
    for table in SeedTable.all.map(\.name) {
      let count = try store.session.query("SELECT count(*) - count(DISTINCT id) FROM \"\(table)\"").number()
      #expect(count == 0, "\(table)")
    }
  }

  @Test func `prices by source and symbol are those of the candles`() throws {
    let rows = try rows("SELECT close, volume FROM ohlcv_raw WHERE source = 'binance' ORDER BY time")
    #expect(rows == filling.candles.map { [$0.close.padded, $0.volume?.padded ?? ""] })
    #expect(try self.rows("SELECT close FROM ohlcv_raw WHERE source = 'chainlink'").isEmpty)
  }

  @Test func `indicators stand beside the candle that they were computed from`() throws {
    let rows = try rows(
      """
      SELECT count(*), count(rsi), count(macd), count(bollinger_upper), count(sma_200),
        count(*) FILTER (rsi BETWEEN 0 AND 100), count(*) FILTER (bollinger_upper >= bollinger_lower)
      FROM technical_indicators JOIN ohlcv_raw USING (time, symbol, source)
      """)
    let all = filling.candles.count
    #expect(
      rows == [["\(all)", "\(all - 14)", "\(all - 25)", "\(all - 19)", "\(all - 199)", "\(all - 14)", "\(all - 19)"]])
  }

  @Test func `a chart row is complete from the candle on at which all its indicators are known`() throws {
    let rows = try rows(
      """
      SELECT count(*), count(*) FILTER (is_complete), min(timestamp) FILTER (is_complete) FROM "rollingChartData"
      """)
    #expect(rows[0][0] == "\(filling.candles.count)")
    #expect(rows[0][1] == "\(filling.candles.count - 25)")
    #expect(rows[0][2] == filling.candles[25].openTime.description.replacing("T", with: " ").prefix(16) + ":00")
  }

  @Test func `a training sample's target is the change that came`() throws {
    let rows = try rows(
      """
      SELECT forecast_horizon, target, metadata->>'time' FROM "mlTrainingSamples" ORDER BY created_at, forecast_horizon
      """)
    let minutes = filling.candles.count
    #expect(rows.count == [5, 15, 30, 60].reduce(0) { $0 + minutes - $1 })
    let change = Double(filling.candles[15].close.units) / Double(filling.candles[0].close.units) - 1
    #expect(try #require(rows.first { $0[0] == "15" }).dropFirst().first == Self.sixDecimals(change * 100))
  }

  private static func sixDecimals(_ value: Double) -> String {
    let units = (abs(value) * 1e6).rounded()
    let digits = "\(Int(units))"
    let padded = String(repeating: "0", count: max(0, 7 - digits.count)) + digits
    return (value < 0 ? "-" : "") + padded.dropLast(6) + "." + padded.suffix(6)
  }

  @Test func `a forecast expires at its horizon, and knows its outcome once that is settled`() throws {
    let decision = filling.predictions[0]
    try store.setOutcomes([
      PredictionOutcome(
        time: decision.time, view: decision.view, target: decision.target, value: 1, knownAt: filling.now)
    ])
    let rows = try rows(
      """
      SELECT DISTINCT symbol, forecast_type, actual_value, forecast_horizon, expires_at - created_at
      FROM "persistentForecasts" ORDER BY actual_value
      """)
    #expect(
      rows == [
        ["BTCUSDT", "price_direction", "1.00000000", "15", "00:15:00"],
        ["BTCUSDT", "price_direction", "", "15", "00:15:00"],
      ])
  }

  @Test func `training batches follow the registry`() throws {
    #expect(try rows("SELECT DISTINCT is_production FROM \"mlTrainingBatches\"") == [["true"]])
    #expect(
      try rows("SELECT batch_id, model_type, training_samples, validation_samples FROM \"mlTrainingBatches\" LIMIT 1")
        == [["\(filling.version)/ModelA", "xgboost", "4000", "1000"]])
    try store.setModels([])
    #expect(try rows("SELECT DISTINCT is_production FROM \"mlTrainingBatches\"") == [["false"]])
  }

  @Test func `states of recovery tell what was fed, trained and scheduled`() throws {
    try store.setMeta("schedule.cleanup", filling.now.description)
    #expect(
      try rows("SELECT service_name, checkpoint_type, count(*) FROM \"recoveryState\" GROUP BY ALL ORDER BY ALL") == [
        ["chart_building", "success", "1"], ["ml_training", "success", "5"], ["scheduler", "success", "1"],
      ])
  }
}
