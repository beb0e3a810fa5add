/// The tables of a store. A change of any of them raises `version` and brings a step that carries old files over.
enum StoreSchema {
  static let version = 1

  static let statements = [
    "CREATE TABLE store_meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL)",
    """
    CREATE TABLE series (id INTEGER NOT NULL, venue VARCHAR NOT NULL, symbol VARCHAR NOT NULL,
      row_count BIGINT NOT NULL, first_open TIMESTAMPTZ NOT NULL, last_open TIMESTAMPTZ NOT NULL,
      revisions BIGINT NOT NULL)
    """,
    """
    CREATE TABLE candle_versions (series INTEGER NOT NULL, open_time TIMESTAMPTZ NOT NULL, revision INTEGER NOT NULL,
      open DECIMAL(20,8) NOT NULL, high DECIMAL(20,8) NOT NULL, low DECIMAL(20,8) NOT NULL,
      close DECIMAL(20,8) NOT NULL, volume DECIMAL(20,8), quote_volume DECIMAL(20,8), trades BIGINT,
      taker_buy_base DECIMAL(20,8), taker_buy_quote DECIMAL(20,8), available_at TIMESTAMPTZ NOT NULL,
      known_at TIMESTAMPTZ NOT NULL, provenance UTINYINT NOT NULL, availability_assumed BOOLEAN NOT NULL)
    """,
    """
    CREATE VIEW candles AS
      SELECT venue, symbol, candle_versions.* EXCLUDE (series)
      FROM candle_versions JOIN series ON series.id = candle_versions.series
      ANTI JOIN (SELECT series, open_time, revision - 1 AS revision FROM candle_versions WHERE revision > 0) newer
        ON newer.series = candle_versions.series AND newer.open_time = candle_versions.open_time
        AND newer.revision = candle_versions.revision
    """,
    """
    CREATE VIEW ohlcv_raw AS
      SELECT open_time AS time, open, high, low, close, volume, venue AS source, symbol FROM candles
    """,
    """
    CREATE TABLE predictions (time TIMESTAMPTZ NOT NULL, direction VARCHAR, confidence DOUBLE,
      model_name VARCHAR NOT NULL, probability_up DOUBLE, change_percent DOUBLE, available_at TIMESTAMPTZ NOT NULL,
      market_view VARCHAR NOT NULL, target VARCHAR NOT NULL, version VARCHAR NOT NULL, mode VARCHAR NOT NULL,
      state VARCHAR NOT NULL, reason VARCHAR NOT NULL, feature_set_hash VARCHAR NOT NULL, input_hash UBIGINT NOT NULL,
      latency_ns BIGINT NOT NULL)
    """,
    """
    CREATE TABLE training_metadata (trained_at TIMESTAMPTZ NOT NULL, market_view VARCHAR NOT NULL,
      target VARCHAR NOT NULL, version VARCHAR NOT NULL, model_name VARCHAR NOT NULL, trained_from TIMESTAMPTZ NOT NULL,
      trained_to TIMESTAMPTZ NOT NULL, row_count BIGINT NOT NULL, log_loss DOUBLE, auc DOUBLE, accuracy DOUBLE,
      verdict VARCHAR NOT NULL)
    """,
    """
    CREATE TABLE evaluation_openings (market_view VARCHAR NOT NULL, target VARCHAR NOT NULL, version VARCHAR NOT NULL,
      period_from TIMESTAMPTZ NOT NULL, period_to TIMESTAMPTZ NOT NULL, opened_at TIMESTAMPTZ NOT NULL)
    """,
    "INSERT INTO store_meta VALUES ('schema_version', '\(version)')",
  ]
}
