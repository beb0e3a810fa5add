import Market
import TestSupport
import Testing

@testable import Storage

/// The tables and queries of the united systems on stores that the program's own writers have filled.
struct SeedTableTests {
  private func filled(_ kind: TestedStore.Kind) throws -> (TestedStore, Filling) {
    let tested = try TestedStore(kind)
    let filling = try Filling(tested.folder.path)
    try filling.write(to: tested.store)
    return (tested, filling)
  }

  @Test(arguments: TestedStore.kinds)
  func `every printed query runs as printed and says what was written`(kind: TestedStore.Kind) throws {
    let (tested, filling) = try filled(kind)
    #expect(filling.predictions.count > 1000)
    for query in SeedQuery.all {
      do {
        try tested.run(query.text(filling))
        if let inner = query.inner(filling) { query.check(try tested.rows(inner), filling) }
      } catch {
        Issue.record("\(query.place): \(error)")
      }
    }
  }

  @Test(arguments: TestedStore.kinds)
  func `a printed table has its columns first, in their types`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    for table in SeedTable.all {
      let columns = try tested.columns(of: table.name)
      let expected = table.columns.map { column in
        let type = kind == .duckDB ? Self.inDuckDB(column.type) : Self.inPostgres(column.type)
        return "\(column.name) \(table.name == "market_data" && column.name == "symbol" ? Self.wide(type) : type)"
      }
      #expect(Array(columns.prefix(expected.count)) == expected, "\(table.name)")
    }
  }

  /// DuckDB keeps no lengths, and numbers rows by sequences or in views.
  private static func inDuckDB(_ type: String) -> String {
    switch type {
    case "SERIAL": "INTEGER"
    case "BIGSERIAL": "BIGINT"
    case "JSONB": "JSON"
    case _ where type.hasPrefix("VARCHAR") || type == "TEXT": "VARCHAR"
    default: type
    }
  }

  private static func inPostgres(_ type: String) -> String {
    switch type {
    case "SERIAL": "integer"
    case "BIGSERIAL": "bigint"
    case "TIMESTAMP": "timestamp without time zone"
    case _ where type.hasPrefix("VARCHAR"): type.replacing("VARCHAR", with: "character varying")
    case _ where type.hasPrefix("DECIMAL"): type.replacing("DECIMAL", with: "numeric")
    default: type.lowercased()
    }
  }

  /// Instruments have longer names here.
  private static func wide(_ type: String) -> String { type.replacing("(20)", with: "(32)") }

  @Test(arguments: TestedStore.kinds)
  func `every table is filled, but for those that nothing writes yet`(kind: TestedStore.Kind) throws {
    let (tested, _) = try filled(kind)
    for table in SeedTable.all.map(\.name) + SeedTable.named {
      let count = try tested.number("SELECT count(*) FROM \"\(table)\"")
      #expect((count == 0) == SeedTable.withoutWriter.contains(table), "\(table) has \(count) rows")
    }
    for table in SeedTable.all.map(\.name) {
      #expect(try tested.number("SELECT count(*) - count(DISTINCT id) FROM \"\(table)\"") == 0, "ids of \(table)")
    }
  }

  @Test(arguments: TestedStore.kinds)
  func `candles, indicators and charts stand beside one another`(kind: TestedStore.Kind) throws {
    let (tested, filling) = try filled(kind)
    let prices = try tested.rows("SELECT close, volume FROM ohlcv_raw WHERE source = 'binance' ORDER BY time")
    #expect(prices == filling.candles.map { [$0.close.padded, $0.volume?.padded ?? ""] })
    #expect(try tested.rows("SELECT close FROM ohlcv_raw WHERE source = 'chainlink'").isEmpty)
    let indicators = try tested.rows(
      """
      SELECT count(*), count(rsi), count(macd), count(bollinger_upper), count(sma_200),
        count(*) FILTER (WHERE rsi BETWEEN 0 AND 100), count(*) FILTER (WHERE bollinger_upper >= bollinger_lower)
      FROM technical_indicators JOIN ohlcv_raw USING (time, symbol, source)
      """)
    let all = filling.candles.count
    #expect(indicators == [[0, 14, 33, 19, 199, 14, 19].map { "\(all - $0)" }])
    let charts = try tested.rows(
      """
      SELECT count(*), count(*) FILTER (WHERE is_complete), min(timestamp) FILTER (WHERE is_complete)
      FROM "rollingChartData"
      """)
    #expect(charts[0].prefix(2) == ["\(all)", "\(all - 33)"])
    let first = filling.candles[33].openTime.description.prefix(16)
    #expect(charts[0][2].replacing(" ", with: "T").hasPrefix(first))
  }

  @Test(arguments: TestedStore.kinds)
  func `a training sample's target is the change that came`(kind: TestedStore.Kind) throws {
    let (tested, filling) = try filled(kind)
    let rows = try tested.rows(
      """
      SELECT forecast_horizon, target, metadata->>'time' AS time FROM "mlTrainingSamples"
      ORDER BY time, forecast_horizon
      """)
    let minutes = filling.candles.count
    #expect(rows.count == [5, 15, 30, 60].reduce(0) { $0 + minutes - $1 })
    let change = 100 * (filling.candles[15].close.doubleValue / filling.candles[0].close.doubleValue - 1)
    let target = try #require(rows.first { $0[0] == "15" }.flatMap { Double($0[1]) })
    #expect(abs(target - change) < 1e-6)
  }

  @Test(arguments: TestedStore.kinds)
  func `a forecast expires at its horizon, and knows its outcome once that is settled`(kind: TestedStore.Kind) throws {
    let (tested, filling) = try filled(kind)
    let decision = filling.predictions[0]
    try tested.store.setOutcomes([
      PredictionOutcome(
        time: decision.time, view: decision.view, target: decision.target, value: 1, knownAt: filling.now)
    ])
    let rows = try tested.rows(
      """
      SELECT DISTINCT symbol, forecast_type, actual_value, forecast_horizon, expires_at - created_at AS life
      FROM "persistentForecasts" ORDER BY actual_value NULLS LAST
      """)
    #expect(
      rows == [
        ["BTCUSDT", "price_direction", "1.00000000", "15", "00:15:00"],
        ["BTCUSDT", "price_direction", "", "15", "00:15:00"],
      ])
  }

  @Test(arguments: TestedStore.kinds)
  func `a forecast of a window expires at the window's end`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let start = Timestamp("2026-11-20T10:00:00Z")!
    var batch = LiveBatch(knownAt: start)
    for (target, minute) in [("window-15m", 0), ("window-15m", 14), ("window-1h", 31), ("change-60m", 3)] {
      batch.predictions.append(
        Prediction(
          time: start.adding(minutes: minute), availableAt: start, view: Filling.view,
          target: PredictionTarget(target)!,
          probabilityUp: target == "change-60m" ? nil : 0.5, changePercent: target == "change-60m" ? -1.25 : nil,
          confidence: nil, modelName: .a, version: "", featureSetHash: "", inputHash: 1, state: "fresh", reason: "",
          mode: .live, latencyNanoseconds: 1))
    }
    // Nobody was told this one.
    var shadow = batch.predictions[0]
    (shadow.version, shadow.arm) = ("v", .shadow)
    batch.predictions.append(shadow)
    try tested.store.commit(batch)
    let rows = try tested.rows(
      """
      SELECT forecast_type, forecast_horizon, extract(minute FROM expires_at), predicted_value
      FROM "persistentForecasts" ORDER BY expires_at, forecast_horizon
      """)
    #expect(
      rows == [
        ["price_direction", "1", "15", "0.50000000"], ["price_direction", "15", "15", "0.50000000"],
        ["price_direction", "29", "0", "0.50000000"], ["price_change", "60", "3", "-1.25000000"],
      ])
  }

  @Test(arguments: TestedStore.kinds)
  func `training batches follow the registry, states of recovery what ran`(kind: TestedStore.Kind) throws {
    let (tested, filling) = try filled(kind)
    let batches = """
      SELECT batch_id, model_type, training_samples, validation_samples, is_production FROM "mlTrainingBatches"
      ORDER BY created_at LIMIT 1
      """
    #expect(try tested.rows(batches) == [["\(filling.version)/ModelA", "xgboost", "4000", "1000", "true"]])
    try tested.store.setModels([])
    #expect(try tested.rows(batches)[0].last == "false")
    try tested.store.setMeta("schedule.cleanup", filling.now.description)
    let states = try tested.rows(
      """
      SELECT service_name, checkpoint_type, count(*) AS many FROM "recoveryState"
      GROUP BY service_name, checkpoint_type ORDER BY service_name
      """)
    #expect(
      states == [["chart_building", "success", "1"], ["ml_training", "success", "5"], ["scheduler", "success", "1"]])
  }

  @Test func `the printed table of trades and quotes is refused by PostgreSQL, whose key needs the partition's column`()
    throws
  {
    let tested = try TestedStore(.postgres)
    try tested.run("DROP TABLE market_data")
    let printed = """
      CREATE TABLE market_data (
          id BIGSERIAL PRIMARY KEY,
          symbol VARCHAR(20) NOT NULL,
          timestamp BIGINT NOT NULL,
          price DECIMAL(20,8) NOT NULL,
          volume DECIMAL(20,8),
          bid_price DECIMAL(20,8),
          ask_price DECIMAL(20,8),
          source VARCHAR(10) NOT NULL,
          data_type VARCHAR(20),
          created_at TIMESTAMP DEFAULT NOW()
      ) PARTITION BY RANGE (timestamp);
      """
    let error = try #require(throws: StoreError.self) { try tested.run(printed) }
    #expect("\(error)".contains("unique constraint on partitioned table must include all partitioning columns"))
  }
}
