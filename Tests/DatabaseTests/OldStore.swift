import TestSupport

@testable import Storage

/// Stores as older versions left them, with a day of candles, a prediction and a training.
enum OldStore {
  static func makeFile(_ path: String, version: Int) throws {
    let session = try DuckDBSession(file: path, name: path)
    try StoreSchema.create(in: session, version: version)
    try session.run("DROP TABLE schema_migrations")
    try session.run(
      "INSERT INTO series VALUES (1, 'binance', 'BTCUSDT', 1440, '2024-03-01 00:00:00Z', '2024-03-01 23:59:00Z', 0)")
    for statement in contents(version) { try session.run(statement) }
  }

  static func makeTables(in database: PostgresDatabase, version: Int) throws {
    let connection = try PostgresConnection(PostgresLocation(database.address))
    try PostgresMigration(connection, steps: Array(PostgresSchema.steps.prefix(version))).run()
    try connection.script(
      """
      INSERT INTO series (venue, symbol, row_count, first_open, last_open)
        VALUES ('binance', 'BTCUSDT', 1440, '2024-03-01 00:00:00Z', '2024-03-01 23:59:00Z');
      CREATE TABLE candle_versions_p20240229 PARTITION OF candle_versions
        FOR VALUES FROM ('2024-02-29') TO ('2024-03-07');
      CREATE TABLE predictions_p20240229 PARTITION OF predictions FOR VALUES FROM ('2024-02-29') TO ('2024-03-07')
      """)
    if version > 1 {
      try connection.script(
        "CREATE TABLE market_data_p PARTITION OF market_data FOR VALUES FROM (1709164800000) TO (1709769600000)")
    }
    for statement in contents(version) { try connection.script(statement) }
  }

  private static func contents(_ version: Int) -> [String] {
    let first = [
      """
      INSERT INTO candle_versions (series, open_time, revision, open, high, low, close, volume, trades, available_at,
        known_at, provenance, availability_assumed)
      SELECT 1, t, 0, 100.5, 101, 99.25, 100, 2.00000001, 7, t + INTERVAL '1 minute', t + INTERVAL '1 minute', 0, TRUE
      FROM generate_series(TIMESTAMPTZ '2024-03-01 00:00:00Z', TIMESTAMPTZ '2024-03-01 23:59:00Z', INTERVAL '1 minute')
        AS minutes(t)
      """,
      """
      INSERT INTO predictions (time, direction, confidence, model_name, probability_up, available_at, market_view, target,
        version, mode, state, reason, feature_set_hash, input_hash, latency_ns)
      VALUES ('2024-03-01 12:00:00Z', 'UP', 0.625, 'ModelA', 0.625, '2024-03-01 12:00:01Z', 'binance:BTCUSDT',
        'direction-15m', 'v1', 'live', 'fresh', '', 'h', 18446744073709551615, 5)
      """,
      """
      INSERT INTO training_metadata (trained_at, market_view, target, version, model_name, trained_from, trained_to,
        row_count, log_loss, auc, accuracy, verdict)
      VALUES ('2024-03-01 06:00:00Z', 'binance:BTCUSDT', 'direction-15m', 'v1', 'ModelA', '2023-01-01 00:00:00Z',
        '2024-03-01 00:00:00Z', 9, 0.69, 0.5, 0.51, 'passed')
      """,
    ]
    let second = [
      """
      INSERT INTO market_data (symbol, timestamp, price, source, created_at, venue)
      VALUES ('BTCUSDT', 1709251200000, 1.5, 'rest', '2024-03-01 10:00:00Z', 'binance')
      """
    ]
    return version > 1 ? first + second : first
  }
}
