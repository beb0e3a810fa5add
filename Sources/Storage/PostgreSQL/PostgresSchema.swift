/// The tables of a store in PostgreSQL. A step that has been released is never changed; a change is a further step.
///
/// They have the names and columns of the embedded store's. What grows with time is partitioned by it; partitions are
/// made when rows need them. `series.writes` counts the transactions that changed candles or the ledger of a series:
/// who writes next must have seen them all.
package enum PostgresSchema {
  package struct Step: Sendable {
    package let name: String
    package let statements: [String]

    package init(_ name: String, _ statements: [String]) { (self.name, self.statements) = (name, statements) }
  }

  /// The version of a schema is the number of its steps.
  package static let steps = [
    Step("candles and predictions", candlesAndPredictions), Step("live", live),
    Step("tables of other systems", PostgresSeedTables.statements), Step("streams", streams),
    Step("forecasts", forecasts), Step("arms", arms),
  ]

  private static let candlesAndPredictions = [
    "CREATE TABLE store_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE series (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, venue TEXT NOT NULL,
      symbol TEXT NOT NULL, row_count BIGINT NOT NULL DEFAULT 0, first_open TIMESTAMPTZ NOT NULL DEFAULT 'infinity',
      last_open TIMESTAMPTZ NOT NULL DEFAULT '-infinity', revisions BIGINT NOT NULL DEFAULT 0,
      writes BIGINT NOT NULL DEFAULT 0, UNIQUE (venue, symbol)) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE candle_versions (series INTEGER NOT NULL, open_time TIMESTAMPTZ NOT NULL, revision INTEGER NOT NULL,
      open NUMERIC(20,8) NOT NULL, high NUMERIC(20,8) NOT NULL, low NUMERIC(20,8) NOT NULL,
      close NUMERIC(20,8) NOT NULL, volume NUMERIC(20,8), quote_volume NUMERIC(20,8), trades BIGINT,
      taker_buy_base NUMERIC(20,8), taker_buy_quote NUMERIC(20,8), available_at TIMESTAMPTZ NOT NULL,
      known_at TIMESTAMPTZ NOT NULL, provenance SMALLINT NOT NULL, availability_assumed BOOLEAN NOT NULL,
      PRIMARY KEY (series, open_time, revision)) PARTITION BY RANGE (open_time)
    """,
    """
    CREATE INDEX candle_versions_revised ON candle_versions (series, open_time) WHERE revision > 0
    """,
    """
    CREATE VIEW candles AS
      SELECT s.venue, s.symbol, v.open_time, v.revision, v.open, v.high, v.low, v.close, v.volume, v.quote_volume,
        v.trades, v.taker_buy_base, v.taker_buy_quote, v.available_at, v.known_at, v.provenance, v.availability_assumed
      FROM candle_versions v JOIN series s ON s.id = v.series
      WHERE NOT EXISTS (SELECT FROM candle_versions newer
        WHERE newer.series = v.series AND newer.open_time = v.open_time AND newer.revision > 0
          AND newer.revision = v.revision + 1)
    """,
    """
    CREATE VIEW ohlcv_raw AS
      SELECT open_time AS time, open, high, low, close, volume, venue AS source, symbol FROM candles
    """,
    """
    CREATE TABLE predictions (time TIMESTAMPTZ NOT NULL, direction TEXT, confidence DOUBLE PRECISION,
      model_name TEXT NOT NULL, probability_up DOUBLE PRECISION, change_percent DOUBLE PRECISION,
      available_at TIMESTAMPTZ NOT NULL, market_view TEXT NOT NULL, target TEXT NOT NULL, version TEXT NOT NULL,
      mode TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, feature_set_hash TEXT NOT NULL,
      input_hash NUMERIC(20,0) NOT NULL, latency_ns BIGINT NOT NULL,
      PRIMARY KEY (time, market_view, target, model_name, version, mode)) PARTITION BY RANGE (time)
    """,
    """
    CREATE TABLE training_metadata (trained_at TIMESTAMPTZ NOT NULL, market_view TEXT NOT NULL, target TEXT NOT NULL,
      version TEXT NOT NULL, model_name TEXT NOT NULL, trained_from TIMESTAMPTZ NOT NULL,
      trained_to TIMESTAMPTZ NOT NULL, row_count BIGINT NOT NULL, log_loss DOUBLE PRECISION, auc DOUBLE PRECISION,
      accuracy DOUBLE PRECISION, verdict TEXT NOT NULL)
    """,
    """
    CREATE TABLE evaluation_openings (market_view TEXT NOT NULL, target TEXT NOT NULL, version TEXT NOT NULL,
      period_from TIMESTAMPTZ NOT NULL, period_to TIMESTAMPTZ NOT NULL, opened_at TIMESTAMPTZ NOT NULL)
    """,
  ]

  private static let live = [
    """
    CREATE TABLE gap_ledger (venue TEXT NOT NULL, symbol TEXT NOT NULL, kind TEXT NOT NULL, range_from BIGINT NOT NULL,
      range_to BIGINT NOT NULL, state TEXT NOT NULL, detail TEXT, since TIMESTAMPTZ NOT NULL,
      PRIMARY KEY (venue, symbol, kind, range_from)) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE data_quality_logs (event_type TEXT NOT NULL, candles_missing BIGINT, resolved BOOLEAN NOT NULL,
      created_at TIMESTAMPTZ NOT NULL, details TEXT NOT NULL, venue TEXT NOT NULL, symbol TEXT NOT NULL,
      resolved_at TIMESTAMPTZ, PRIMARY KEY (venue, symbol, event_type, created_at)) PARTITION BY RANGE (created_at)
    """,
    """
    CREATE TABLE oracle_ticks (venue TEXT NOT NULL, feed TEXT NOT NULL, source TEXT NOT NULL, quantity TEXT NOT NULL,
      seconds BIGINT, observed_at TIMESTAMPTZ NOT NULL, price NUMERIC(38,18) NOT NULL, bid NUMERIC(38,18),
      ask NUMERIC(38,18), available_at TIMESTAMPTZ NOT NULL, known_at TIMESTAMPTZ NOT NULL,
      UNIQUE NULLS NOT DISTINCT (venue, feed, observed_at, source, quantity, seconds))
      PARTITION BY RANGE (observed_at)
    """,
    """
    CREATE TABLE oracle_minutes (venue TEXT NOT NULL, feed TEXT NOT NULL, open_time TIMESTAMPTZ NOT NULL,
      revision INTEGER NOT NULL, open NUMERIC(38,18) NOT NULL, high NUMERIC(38,18) NOT NULL,
      low NUMERIC(38,18) NOT NULL, close NUMERIC(38,18) NOT NULL, tick_count BIGINT NOT NULL, sampled BOOLEAN NOT NULL,
      available_at TIMESTAMPTZ NOT NULL, known_at TIMESTAMPTZ NOT NULL,
      PRIMARY KEY (venue, feed, open_time, revision)) PARTITION BY RANGE (open_time)
    """,
    "CREATE SEQUENCE market_data_id",
    """
    CREATE TABLE market_data (id BIGINT NOT NULL DEFAULT nextval('market_data_id'), symbol TEXT NOT NULL,
      timestamp BIGINT NOT NULL, price NUMERIC(20,8) NOT NULL, volume NUMERIC(20,8), bid_price NUMERIC(20,8),
      ask_price NUMERIC(20,8), source TEXT NOT NULL, data_type TEXT, created_at TIMESTAMPTZ DEFAULT now(),
      venue TEXT NOT NULL, PRIMARY KEY (id, timestamp)) PARTITION BY RANGE (timestamp)
    """,
    "CREATE INDEX market_data_symbol_timestamp ON market_data (symbol, timestamp)",
    """
    CREATE VIEW candles_1m AS
      SELECT open_time AS time, open, high, low, close, volume, quote_volume, trades, taker_buy_base, taker_buy_quote,
        venue, symbol
      FROM candles
    """,
  ]

  private static let streams = [
    """
    CREATE TABLE stream_checkpoints (stream TEXT NOT NULL, consumer_group TEXT NOT NULL, shard TEXT NOT NULL,
      owner TEXT, counter BIGINT NOT NULL, reached TEXT NOT NULL, PRIMARY KEY (stream, consumer_group, shard))
      WITH (fillfactor = 50)
    """
  ]

  private static let forecasts = [
    """
    ALTER TABLE predictions ADD COLUMN current_price DOUBLE PRECISION, ADD COLUMN predicted_price DOUBLE PRECISION,
      ADD COLUMN predicted_low DOUBLE PRECISION, ADD COLUMN predicted_high DOUBLE PRECISION,
      ADD COLUMN features_age_ms BIGINT, ADD COLUMN source TEXT
    """,
    "CREATE OR REPLACE " + PostgresSeedTables.forecasts(minutes: PostgresSeedTables.forecastMinutes),
  ]

  private static let arms = [
    "ALTER TABLE predictions ADD COLUMN arm TEXT DEFAULT 'main'",
    "CREATE OR REPLACE "
      + PostgresSeedTables.forecasts(
        minutes: PostgresSeedTables.forecastMinutes, of: " WHERE p.arm IS DISTINCT FROM 'shadow'"),
  ]

  /// Names that an empty database must not have: the tables and views of all steps.
  static var names: [String] {
    steps.flatMap(\.statements).compactMap { statement in
      let words = statement.split(separator: " ", maxSplits: 3)
      guard words.count > 2, words[0] == "CREATE", words[1] == "TABLE" || words[1] == "VIEW" else { return nil }
      return String(words[2])
    }
  }
}
