/// What TimescaleDB does where it is installed in the database: hypertables in place of our partitions, compression, and
/// its own retention where a chunk may go whatever is in it.
enum PostgresTimescale {
  /// Of the extension in this database; `nil` without it.
  static func version(_ connection: PostgresConnection) throws(StoreError) -> String? {
    let rows = try connection.query("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    return rows.count > 0 ? try rows.text(0, 0) : nil
  }

  static func isHypertable(_ table: String, _ connection: PostgresConnection) throws(StoreError) -> Bool {
    guard try version(connection) != nil else { return false }
    return try connection.query(
      "SELECT count(*) FROM timescaledb_information.hypertables WHERE format('%I', hypertable_name) = $1",
      [.text(table)]
    ).integer(0, 0) > 0
  }

  /// A statement of a step as a database with TimescaleDB takes it: a table partitioned by time becomes a hypertable.
  static func statements(_ statement: String, chunkDays: Int) -> [String] {
    guard statement.hasPrefix("CREATE TABLE "), let mark = statement.firstRange(of: "PARTITION BY RANGE ("),
      let end = statement[mark.upperBound...].firstIndex(of: ")")
    else { return [statement] }
    let table = statement.dropFirst("CREATE TABLE ".count).prefix { $0 != " " }
    let column = statement[mark.upperBound..<end]
    let interval =
      column == "timestamp" ? "BIGINT '\(chunkDays * 86_400_000)'" : "INTERVAL '\(chunkDays) days'"
    return [
      String(statement[..<mark.lowerBound]),
      """
      SELECT create_hypertable('\(table)', '\(column)', chunk_time_interval => \(interval),
        create_default_indexes => false)
      """,
    ]
  }

  // MARK: Policies

  private struct Hypertable: Sendable {
    let name: String
    let segments: String
    let order: String
    /// Of how long its rows are kept, where all of a chunk may go; `nil` where some rows stay.
    var days: (@Sendable (RetentionPolicy) -> Int)?
    var countsMilliseconds = false

    func age(_ days: Int) -> String {
      countsMilliseconds ? "BIGINT '\(days * 86_400_000)'" : "INTERVAL '\(days) days'"
    }
  }

  private static let hypertables = [
    Hypertable(name: "candle_versions", segments: "series", order: "open_time DESC, revision DESC"),
    Hypertable(
      name: "oracle_ticks", segments: "venue, feed, source, quantity, seconds", order: "observed_at DESC",
      days: { $0.candlesDays }),
    Hypertable(
      name: "oracle_minutes", segments: "venue, feed", order: "open_time DESC, revision DESC", days: { $0.candlesDays }),
    Hypertable(
      name: "predictions", segments: "market_view, target, model_name, version, mode", order: "time DESC"),
    Hypertable(
      name: "feature_cache", segments: "market_view, feature_set_hash, version", order: "time DESC",
      days: { $0.featuresDays }),
    Hypertable(
      name: "market_data", segments: "venue, symbol", order: "timestamp DESC, id DESC", days: { $0.restDays },
      countsMilliseconds: true),
  ]

  /// - Parameters:
  ///   - policy: `nil` takes the policies of retention away.
  ///   - compressAfterDays: 0 takes those of compression away; what is compressed stays so.
  static func setPolicies(
    _ policy: RetentionPolicy?, compressAfterDays: Int, _ connection: PostgresConnection
  ) throws {
    try connection.transaction {
      try connection.script(
        """
        SET LOCAL client_min_messages = 'error';
        CREATE OR REPLACE FUNCTION candlecast_milliseconds() RETURNS BIGINT LANGUAGE SQL STABLE
          AS $$ SELECT (extract(epoch FROM now()) * 1000)::BIGINT $$;
        SELECT set_integer_now_func('market_data', 'candlecast_milliseconds', replace_if_exists => true)
        """)
      for table in hypertables {
        try setCompression(table, afterDays: compressAfterDays, connection)
        try connection.script("SELECT remove_retention_policy('\(table.name)', if_exists => true)")
        guard let policy, let days = table.days else { continue }
        try connection.script(
          "SELECT add_retention_policy('\(table.name)', drop_after => \(table.age(days(policy))))")
      }
    }
  }

  private static func setCompression(
    _ table: Hypertable, afterDays days: Int, _ connection: PostgresConnection
  ) throws(StoreError) {
    let isOn = try connection.query(
      "SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = $1",
      [.text(table.name)])
    guard isOn.count > 0 else { return }
    if try isOn.boolean(0, 0) {
      try connection.script("SELECT remove_compression_policy('\(table.name)', if_exists => true)")
    } else if days > 0 {
      try connection.script(
        """
        ALTER TABLE \(table.name) SET (timescaledb.compress, timescaledb.compress_segmentby = '\(table.segments)',
          timescaledb.compress_orderby = '\(table.order)')
        """)
    }
    guard days > 0 else { return }
    try connection.script("SELECT add_compression_policy('\(table.name)', compress_after => \(table.age(days)))")
  }
}
