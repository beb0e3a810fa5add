/// What version 3 adds: the tables under the names and with the columns that other systems know, and what fills them.
/// `docs/tables.md` says what each means.
enum DuckDBSeedTables {
  private static let dialect = SeedDialect.duckDB

  static let changes: [SchemaChange] = tables + candles + features + models + operations

  // MARK: What is written

  private static let tables: [SchemaChange] = [
    .create(
      """
      TABLE feature_cache (time TIMESTAMPTZ NOT NULL, features_json VARCHAR NOT NULL, venue VARCHAR NOT NULL,
        symbol VARCHAR NOT NULL, market_view VARCHAR NOT NULL, feature_set_hash VARCHAR NOT NULL,
        version VARCHAR NOT NULL, known_at TIMESTAMPTZ NOT NULL)
      """),
    .create(
      """
      TABLE model_registry (version VARCHAR NOT NULL, market_view VARCHAR NOT NULL, target VARCHAR NOT NULL,
        status VARCHAR NOT NULL, is_active BOOLEAN NOT NULL, registered_at TIMESTAMPTZ NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL, model_path VARCHAR NOT NULL, digest VARCHAR NOT NULL,
        gate_passed BOOLEAN NOT NULL, gate_reason VARCHAR NOT NULL, is_synthetic BOOLEAN NOT NULL)
      """),
    .create(
      """
      TABLE ensemble_models (id INTEGER NOT NULL, ensemble_name VARCHAR NOT NULL, market_view VARCHAR NOT NULL,
        target VARCHAR NOT NULL, version VARCHAR NOT NULL, weights JSON, traffic_share DOUBLE,
        is_active BOOLEAN NOT NULL, created_at TIMESTAMPTZ NOT NULL)
      """),
    .create(
      """
      TABLE prediction_outcomes (time TIMESTAMPTZ NOT NULL, market_view VARCHAR NOT NULL, target VARCHAR NOT NULL,
        outcome DOUBLE NOT NULL, known_at TIMESTAMPTZ NOT NULL)
      """),
    .create(
      """
      TABLE prediction_accuracy (day DATE NOT NULL, market_view VARCHAR NOT NULL, target VARCHAR NOT NULL,
        model_name VARCHAR NOT NULL, version VARCHAR NOT NULL, mode VARCHAR NOT NULL, prediction_count BIGINT NOT NULL,
        accuracy DOUBLE NOT NULL, brier DOUBLE, log_loss DOUBLE, mae DOUBLE, rmse DOUBLE,
        computed_at TIMESTAMPTZ NOT NULL)
      """),
    .create(
      """
      TABLE retention_pins (venue VARCHAR NOT NULL, symbol VARCHAR NOT NULL, range_from TIMESTAMPTZ NOT NULL,
        range_to TIMESTAMPTZ NOT NULL, reason VARCHAR NOT NULL, pinned_at TIMESTAMPTZ NOT NULL)
      """),
    .create("SEQUENCE system_log_id MAXVALUE 2147483647 CYCLE"),
    .create(
      """
      TABLE "systemLogs" (id INTEGER NOT NULL DEFAULT nextval('system_log_id'), category VARCHAR, subcategory VARCHAR,
        level VARCHAR, message VARCHAR, context JSON, symbol VARCHAR, timestamp TIMESTAMP DEFAULT now(),
        stack_trace VARCHAR)
      """),
    .create("SEQUENCE trade_simulation_id MAXVALUE 2147483647 CYCLE"),
    .create(
      """
      TABLE "tradeSimulations" (id INTEGER NOT NULL DEFAULT nextval('trade_simulation_id'), symbol VARCHAR NOT NULL,
        signal_type VARCHAR, entry_price DECIMAL(20,8) NOT NULL, tp_price DECIMAL(20,8), sl_price DECIMAL(20,8),
        current_price DECIMAL(20,8), confidence INTEGER, profit_likelihood INTEGER, real_time_pnl DECIMAL(10,4),
        highest_profit DECIMAL(10,4), lowest_loss DECIMAL(10,4), profitable_minutes INTEGER, total_minutes INTEGER,
        is_active BOOLEAN DEFAULT TRUE, created_at TIMESTAMP DEFAULT now(), completed_at TIMESTAMP)
      """),
    .change(
      [
        "ALTER TABLE training_metadata ADD COLUMN validation_row_count BIGINT",
        "ALTER TABLE training_metadata ADD COLUMN rmse DOUBLE",
        "ALTER TABLE training_metadata ADD COLUMN mae DOUBLE",
      ],
      shadow: """
        VIEW training_metadata AS
          SELECT *, NULL::BIGINT AS validation_row_count, NULL::DOUBLE AS rmse, NULL::DOUBLE AS mae, rowid
          FROM stored.training_metadata
        """),
    .change([
      "ALTER TABLE market_data ALTER created_at TYPE TIMESTAMP USING created_at AT TIME ZONE 'UTC'",
      // What was imported before there was a retention is not subject to it.
      """
      INSERT INTO retention_pins
        SELECT venue, symbol, min(open_time), max(open_time) + INTERVAL '1 minute', 'imported', max(known_at)
        FROM candles WHERE provenance = 0 GROUP BY venue, symbol
      """,
    ]),
  ]

  // MARK: Candles

  private static let candles: [SchemaChange] = [
    // A quarter hour of which a minute is absent is not there: it would look whole.
    .create(
      """
      VIEW ohlcv_15m AS
        SELECT time_bucket(INTERVAL '15 minutes', open_time) AS time, arg_min(open, open_time) AS open,
          max(high) AS high, min(low) AS low, arg_max(close, open_time) AS close,
          CASE WHEN count(volume) = 15 THEN sum(volume)::DECIMAL(38,8) END AS volume, venue AS source, symbol
        FROM candles GROUP BY 1, venue, symbol HAVING count(*) = 15
      """)
  ]

  // MARK: Features

  /// Column of `technical_indicators` and the feature it shows.
  static let indicators: [(column: String, feature: String)] = [
    ("rsi", "rsi_14"), ("macd", "macd"), ("macd_signal", "macd_signal"), ("macd_histogram", "macd_hist"),
    ("atr", "atr_14"), ("natr", "natr_14"), ("adx", "adx_14"), ("plus_di", "plus_di_14"), ("minus_di", "minus_di_14"),
    ("cci", "cci_20"), ("williams_r", "willr_14"), ("roc", "roc_10"), ("mfi", "mfi_14"), ("obv", "obv"), ("vpt", "vpt"),
    ("vwap", "vwap_60"), ("sma_20", "sma_20"), ("sma_50", "sma_50"), ("sma_200", "sma_200"), ("ema_12", "ema_12"),
    ("ema_26", "ema_26"), ("ema_50", "ema_50"), ("bollinger_upper", "bb_upper_20"),
    ("bollinger_middle", "bb_middle_20"), ("bollinger_lower", "bb_lower_20"), ("bollinger_position", "bb_position_20"),
    ("bollinger_width", "bb_width_20"), ("stochastic_k", "stoch_k_14"), ("stochastic_d", "stoch_d_3"),
    ("volatility", "volatility_5"), ("volatility_30", "volatility_30"), ("volume_mean", "volume_mean_20"),
  ]

  private static let rawTypes = indicators.map { "\"\($0.feature)\": \"DOUBLE\"" }.joined(separator: ", ")

  private static let features: [SchemaChange] = [
    // Each look at a document keeps all of it in memory for two thousand rows, so there is one look.
    .create(
      """
      VIEW technical_indicators AS
        SELECT time - INTERVAL '1 minute' AS time, symbol, venue AS source,
          \(indicators.map { "raw.\($0.feature) AS \($0.column)" }.joined(separator: ",\n    ")),
          market_view, feature_set_hash
        FROM (SELECT *, json_transform(features_json, '{"raw": {\(rawTypes)}}').raw AS raw FROM feature_cache)
      """),
    .create(
      """
      VIEW "rollingChartData" AS
        SELECT (((epoch(c.open_time)::BIGINT // 60 - 21037440) * 128 + s.id) % 2147483647)::INTEGER AS id, c.symbol,
          \(dialect.utc("c.open_time")) AS timestamp, c.open, c.high, c.low, c.close, c.volume,
          \(dialect.chartIndicators),
          \(dialect.utc("c.known_at")) AS created_at
        FROM candles c JOIN series s ON s.venue = c.venue AND s.symbol = c.symbol
        LEFT JOIN (
          SELECT * FROM technical_indicators
          QUALIFY row_number() OVER (PARTITION BY source, symbol, time ORDER BY market_view) = 1) i
          ON i.source = c.venue AND i.symbol = c.symbol AND i.time = c.open_time
      """),
    .create(
      """
      VIEW "mlTrainingSamples" AS
        SELECT ((f.rowid * 4 + h.place) % 2147483647)::INTEGER AS id, f.symbol,
          json_extract(f.features_json, '$.raw') AS features,
          \(dialect.sampleTarget),
          h.minutes AS forecast_horizon, \(dialect.utc("f.known_at")) AS created_at,
          json_object('time', f.time::VARCHAR, 'market_view', f.market_view, 'feature_set_hash', f.feature_set_hash)
            AS metadata
        FROM feature_cache f CROSS JOIN (VALUES (1, 5), (2, 15), (3, 30), (4, 60)) h(place, minutes)
        JOIN candles now ON now.venue = f.venue AND now.symbol = f.symbol
          AND now.open_time = f.time - INTERVAL '1 minute'
        JOIN candles later ON later.venue = f.venue AND later.symbol = f.symbol
          AND later.open_time = f.time + to_minutes(h.minutes - 1)
      """),
  ]

  // MARK: Models

  private static let models: [SchemaChange] = [
    .create(
      """
      VIEW "mlTrainingBatches" AS
        SELECT ((t.rowid + 1) % 2147483647)::INTEGER AS id, (t.version || '/' || t.model_name) AS batch_id,
          split_part(split_part(t.market_view, '+', 1), ':', 2) AS symbol,
          \(SeedDialect.modelType) AS model_type,
          \(dialect.batchNumbers), r.model_path, coalesce(r.status = 'production', FALSE) AS is_production,
          \(dialect.utc("t.trained_at")) AS created_at
        FROM training_metadata t LEFT JOIN model_registry r ON r.version = t.version
      """),
    .create(forecasts(minutes: "regexp_extract(target, '([0-9]+)m$', 1)::INTEGER")),
  ]

  /// Minutes of a target's name; a move of seconds is of less than a minute, or of one.
  static let forecastMinutes = """
    CASE WHEN ends_with(target, 's') THEN (regexp_extract(target, '([0-9]+)s$', 1)::INTEGER + 59) // 60
                ELSE regexp_extract(target, '([0-9]+)m$', 1)::INTEGER END
    """

  /// - Parameters:
  ///   - minutes: of the name of any target but `window-1h`.
  ///   - rows: which predictions, as a condition.
  static func forecasts(minutes: String, of rows: String = "") -> String {
    """
    VIEW "persistentForecasts" AS
      SELECT ((p.row + 1) % 2147483647)::INTEGER AS id,
        split_part(split_part(p.market_view, '+', 1), ':', 2) AS symbol,
        CASE WHEN starts_with(p.target, 'change-') THEN 'price_change' ELSE 'price_direction' END AS forecast_type,
        \(dialect.forecastValues),
        (epoch(p.expires) - epoch(p.time))::INTEGER // 60 AS forecast_horizon, p.version AS model_version,
        \(dialect.utc("p.available_at")) AS created_at, \(dialect.utc("p.expires")) AS expires_at
      FROM (
        SELECT *, rowid AS row,
          CASE WHEN starts_with(target, 'window-') THEN time_bucket(to_minutes(minutes), time) ELSE time END
            + to_minutes(minutes) AS expires
        FROM (
          SELECT *, rowid,
            CASE WHEN target = 'window-1h' THEN 60 ELSE \(minutes) END AS minutes
          FROM predictions\(rows))) p
      LEFT JOIN prediction_outcomes o
        ON o.time = p.time AND o.market_view = p.market_view AND o.target = p.target
    """
  }

  // MARK: Operations

  private static let operations: [SchemaChange] = [
    .create(
      """
      VIEW "recoveryState" AS
        SELECT row_number() OVER (ORDER BY created_at, service_name, operation_id)::INTEGER AS id, *
        FROM (
          \(dialect.recoveryStates))
      """)
  ]
}
