import Market

/// The tables of a store. A step that has been released is never changed; a change of any table is a further step that
/// carries older files over.
enum StoreSchema {
  struct Step {
    let name: String
    let changes: [SchemaChange]
  }

  static var version: Int { steps.count }

  /// What each version adds to the one before.
  static let steps = [
    Step(name: "candles and predictions", changes: candlesAndPredictions), Step(name: "live", changes: live),
    Step(name: "tables of other systems", changes: DuckDBSeedTables.changes), Step(name: "streams", changes: streams),
    Step(name: "forecasts", changes: forecasts), Step(name: "arms", changes: arms),
  ]

  static let candlesAndPredictions: [SchemaChange] = [
    "TABLE store_meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL)",
    """
    TABLE series (id INTEGER NOT NULL, venue VARCHAR NOT NULL, symbol VARCHAR NOT NULL,
      row_count BIGINT NOT NULL, first_open TIMESTAMPTZ NOT NULL, last_open TIMESTAMPTZ NOT NULL,
      revisions BIGINT NOT NULL)
    """,
    """
    TABLE candle_versions (series INTEGER NOT NULL, open_time TIMESTAMPTZ NOT NULL, revision INTEGER NOT NULL,
      open DECIMAL(20,8) NOT NULL, high DECIMAL(20,8) NOT NULL, low DECIMAL(20,8) NOT NULL,
      close DECIMAL(20,8) NOT NULL, volume DECIMAL(20,8), quote_volume DECIMAL(20,8), trades BIGINT,
      taker_buy_base DECIMAL(20,8), taker_buy_quote DECIMAL(20,8), available_at TIMESTAMPTZ NOT NULL,
      known_at TIMESTAMPTZ NOT NULL, provenance UTINYINT NOT NULL, availability_assumed BOOLEAN NOT NULL)
    """,
    """
    VIEW candles AS
      SELECT venue, symbol, candle_versions.* EXCLUDE (series)
      FROM candle_versions JOIN series ON series.id = candle_versions.series
      ANTI JOIN (SELECT series, open_time, revision - 1 AS revision FROM candle_versions WHERE revision > 0) newer
        ON newer.series = candle_versions.series AND newer.open_time = candle_versions.open_time
        AND newer.revision = candle_versions.revision
    """,
    """
    VIEW ohlcv_raw AS
      SELECT open_time AS time, open, high, low, close, volume, venue AS source, symbol FROM candles
    """,
    """
    TABLE predictions (time TIMESTAMPTZ NOT NULL, direction VARCHAR, confidence DOUBLE,
      model_name VARCHAR NOT NULL, probability_up DOUBLE, change_percent DOUBLE, available_at TIMESTAMPTZ NOT NULL,
      market_view VARCHAR NOT NULL, target VARCHAR NOT NULL, version VARCHAR NOT NULL, mode VARCHAR NOT NULL,
      state VARCHAR NOT NULL, reason VARCHAR NOT NULL, feature_set_hash VARCHAR NOT NULL, input_hash UBIGINT NOT NULL,
      latency_ns BIGINT NOT NULL)
    """,
    """
    TABLE training_metadata (trained_at TIMESTAMPTZ NOT NULL, market_view VARCHAR NOT NULL,
      target VARCHAR NOT NULL, version VARCHAR NOT NULL, model_name VARCHAR NOT NULL, trained_from TIMESTAMPTZ NOT NULL,
      trained_to TIMESTAMPTZ NOT NULL, row_count BIGINT NOT NULL, log_loss DOUBLE, auc DOUBLE, accuracy DOUBLE,
      verdict VARCHAR NOT NULL)
    """,
    """
    TABLE evaluation_openings (market_view VARCHAR NOT NULL, target VARCHAR NOT NULL, version VARCHAR NOT NULL,
      period_from TIMESTAMPTZ NOT NULL, period_to TIMESTAMPTZ NOT NULL, opened_at TIMESTAMPTZ NOT NULL)
    """,
  ]

  private static let live: [SchemaChange] = [
    """
    TABLE gap_ledger (venue VARCHAR NOT NULL, symbol VARCHAR NOT NULL, kind VARCHAR NOT NULL,
      range_from BIGINT NOT NULL, range_to BIGINT NOT NULL, state VARCHAR NOT NULL, detail VARCHAR,
      since TIMESTAMPTZ NOT NULL)
    """,
    """
    TABLE data_quality_logs (event_type VARCHAR NOT NULL, candles_missing BIGINT, resolved BOOLEAN NOT NULL,
      created_at TIMESTAMPTZ NOT NULL, details VARCHAR NOT NULL, venue VARCHAR NOT NULL, symbol VARCHAR NOT NULL,
      resolved_at TIMESTAMPTZ)
    """,
    """
    TABLE oracle_ticks (venue VARCHAR NOT NULL, feed VARCHAR NOT NULL, source VARCHAR NOT NULL,
      quantity VARCHAR NOT NULL, seconds BIGINT, observed_at TIMESTAMPTZ NOT NULL, price DECIMAL(38,18) NOT NULL,
      bid DECIMAL(38,18), ask DECIMAL(38,18), available_at TIMESTAMPTZ NOT NULL, known_at TIMESTAMPTZ NOT NULL)
    """,
    """
    TABLE oracle_minutes (venue VARCHAR NOT NULL, feed VARCHAR NOT NULL, open_time TIMESTAMPTZ NOT NULL,
      revision INTEGER NOT NULL, open DECIMAL(38,18) NOT NULL, high DECIMAL(38,18) NOT NULL,
      low DECIMAL(38,18) NOT NULL, close DECIMAL(38,18) NOT NULL, tick_count BIGINT NOT NULL,
      sampled BOOLEAN NOT NULL, available_at TIMESTAMPTZ NOT NULL, known_at TIMESTAMPTZ NOT NULL)
    """,
    "SEQUENCE market_data_id",
    """
    TABLE market_data (id BIGINT NOT NULL DEFAULT nextval('market_data_id'), symbol VARCHAR NOT NULL,
      timestamp BIGINT NOT NULL, price DECIMAL(20,8) NOT NULL, volume DECIMAL(20,8), bid_price DECIMAL(20,8),
      ask_price DECIMAL(20,8), source VARCHAR NOT NULL, data_type VARCHAR, created_at TIMESTAMPTZ DEFAULT now(),
      venue VARCHAR NOT NULL)
    """,
    """
    VIEW candles_1m AS
      SELECT open_time AS time, open, high, low, close, volume, quote_volume, trades, taker_buy_base, taker_buy_quote,
        venue, symbol
      FROM candles
    """,
  ]

  private static let streams: [SchemaChange] = [
    """
    TABLE stream_checkpoints (stream VARCHAR NOT NULL, consumer_group VARCHAR NOT NULL, shard VARCHAR NOT NULL,
      owner VARCHAR, counter BIGINT NOT NULL, reached VARCHAR NOT NULL)
    """
  ]

  /// What predictions of the tick cadence say of the price.
  static let forecasts: [SchemaChange] = [
    .change(
      [
        "ALTER TABLE predictions ADD COLUMN current_price DOUBLE",
        "ALTER TABLE predictions ADD COLUMN predicted_price DOUBLE",
        "ALTER TABLE predictions ADD COLUMN predicted_low DOUBLE",
        "ALTER TABLE predictions ADD COLUMN predicted_high DOUBLE",
        "ALTER TABLE predictions ADD COLUMN features_age_ms BIGINT",
        "ALTER TABLE predictions ADD COLUMN source VARCHAR",
        "CREATE OR REPLACE " + DuckDBSeedTables.forecasts(minutes: DuckDBSeedTables.forecastMinutes),
      ],
      shadow: """
        VIEW predictions AS
          SELECT *, NULL::DOUBLE AS current_price, NULL::DOUBLE AS predicted_price, NULL::DOUBLE AS predicted_low,
            NULL::DOUBLE AS predicted_high, NULL::BIGINT AS features_age_ms, NULL::VARCHAR AS source, 'main' AS arm, rowid
          FROM stored.predictions
        """)
  ]

  /// Which of the versions that answer for a target made a prediction. What nobody was told is no forecast.
  static let arms: [SchemaChange] = [
    .change(
      [
        "ALTER TABLE predictions ADD COLUMN arm VARCHAR DEFAULT 'main'",
        "CREATE OR REPLACE "
          + DuckDBSeedTables.forecasts(
            minutes: DuckDBSeedTables.forecastMinutes, of: " WHERE arm IS DISTINCT FROM 'shadow'"),
      ],
      // Of an older file the view has been made by the step before.
      shadow: "VIEW IF NOT EXISTS predictions AS SELECT *, 'main' AS arm, rowid FROM stored.predictions")
  ]

  /// Makes all tables in an empty database; older ones with `version`.
  static func create(in session: DuckDBSession, version: Int = version) throws {
    try session.transaction {
      for step in steps[..<version] { try make(step, in: session) }
      try session.run("INSERT INTO store_meta VALUES ('schema_version', '\(version)')")
      try SchemaJournal.note(steps[..<version], isNow: true, in: session)
    }
  }

  /// Carries a database of an older version over, whole or not at all, and notes the steps that nobody has noted.
  static func upgrade(_ session: DuckDBSession, from old: Int, noted: Int) throws {
    try session.transaction {
      for step in steps[old...] { try make(step, in: session) }
      try session.run("UPDATE store_meta SET value = '\(version)' WHERE key = 'schema_version'")
      try SchemaJournal.note(steps[noted..<max(noted, old)], isNow: false, in: session)
      try SchemaJournal.note(steps[old...], isNow: true, in: session)
    }
  }

  /// Lets a database of an older version be read without a change of its file: what it lacks is there, empty, for as
  /// long as the session.
  static func supplement(_ session: DuckDBSession, from old: Int) throws {
    let database = try session.text("SELECT current_database()") ?? ""
    for change in steps[old...].flatMap(\.changes) {
      switch change {
      case .create(let definition): try session.run("CREATE TEMP " + definition)
      case .change(_, let shadow?):
        try session.run("CREATE TEMP " + shadow.replacing("stored.", with: "\"\(database)\".main."))
      case .change: break
      }
    }
  }

  private static func make(_ step: Step, in session: DuckDBSession) throws {
    for change in step.changes {
      switch change {
      case .create(let definition): try session.run("CREATE " + definition)
      case .change(let statements, _): for statement in statements { try session.run(statement) }
      }
    }
  }
}

extension StoreSchema.Step: SchemaStep {
  var checksum: String {
    var print = Fingerprint()
    print.combine(name)
    for change in changes {
      switch change {
      case .create(let definition): print.combine("CREATE " + definition)
      case .change(let statements, _): for statement in statements { print.combine(statement) }
      }
    }
    return print.description
  }
}
