import Market

/// What a cleanup takes from one table: partitions of which every row goes are dropped, rows of others deleted.
struct PostgresExpiry {
  let table: String
  /// The column of the time that decides, and what it must be below.
  let column: String
  let end: PostgresValue
  /// Of a row of `t`, beside its age.
  let condition: String
  let counter: WritableKeyPath<RemovedRows, Int>

  static let isUnpinned = """
    NOT EXISTS (SELECT FROM retention_pins p JOIN series s ON s.venue = p.venue AND s.symbol = p.symbol
      WHERE s.id = t.series AND t.open_time >= p.range_from AND t.open_time < p.range_to)
    """

  static func all(_ policy: RetentionPolicy, at now: Timestamp) -> [PostgresExpiry] {
    let candles = PostgresValue.instant(policy.firstCandle(at: now))
    let predictions = PostgresValue.instant(policy.firstPrediction(at: now))
    let rest = policy.firstOther(at: now)
    func expiry(
      _ table: String, _ column: String, _ end: PostgresValue, _ counter: WritableKeyPath<RemovedRows, Int>,
      if condition: String = "TRUE"
    ) -> PostgresExpiry {
      PostgresExpiry(table: table, column: column, end: end, condition: condition, counter: counter)
    }
    return [
      expiry("candle_versions", "open_time", candles, \.candles, if: isUnpinned),
      expiry("oracle_ticks", "observed_at", candles, \.oracles),
      expiry("oracle_minutes", "open_time", candles, \.oracles),
      expiry("predictions", "time", predictions, \.predictions, if: "t.mode = 'live'"),
      expiry("prediction_outcomes", "time", predictions, \.outcomes),
      expiry("feature_cache", "time", .instant(policy.firstFeature(at: now)), \.features),
      expiry("market_data", "timestamp", .integer(rest.milliseconds), \.rest),
      expiry("data_quality_logs", "created_at", .instant(rest), \.rest, if: "t.resolved"),
      expiry("\"systemLogs\"", "timestamp", .instant(rest), \.rest),
    ]
  }

  /// - Returns: how many rows went.
  func run(on connection: PostgresConnection) throws(StoreError) -> Int {
    var removed = 0
    for part in try wholeParts(connection) {
      let rows = try connection.query(
        "SELECT count(*), count(*) FILTER (WHERE NOT (\(condition))) FROM \(part.name) t")
      guard try rows.integer(0, 1) == 0 else { continue }
      removed += Int(try rows.integer(0, 0))
      try connection.script(part.dropping)
    }
    return removed
      + (try connection.run("DELETE FROM \(table) t WHERE t.\(column) < $1 AND \(condition)", [end]))
  }

  private struct Part {
    let name: String
    let dropping: String
  }

  /// Partitions or chunks whose rows are all old enough.
  private func wholeParts(_ connection: PostgresConnection) throws(StoreError) -> [Part] {
    let kind = try connection.query(
      "SELECT relkind::TEXT FROM pg_class WHERE oid = to_regclass($1)", [.text(table)])
    guard kind.count > 0 else { throw .corrupt(path: connection.path, reason: "the table \(table) is gone") }
    if try kind.text(0, 0) == "p" { return try partitions(connection) }
    return try PostgresTimescale.isHypertable(table, connection) ? try chunks(connection) : []
  }

  private func partitions(_ connection: PostgresConnection) throws(StoreError) -> [Part] {
    let type = if case .integer = end { "BIGINT" } else { "TIMESTAMPTZ" }
    let rows = try connection.query(
      """
      SELECT part.oid::REGCLASS::TEXT FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
      WHERE inhparent = to_regclass($1)
        AND substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \\(''([^'']+)''\\)$')::\(type) <= $2
      ORDER BY 1
      """, [.text(table), end])
    return try (0..<rows.count).map { row throws(StoreError) in
      let name = try rows.text(row, 0)
      return Part(name: name, dropping: "DROP TABLE \(name)")
    }
  }

  private func chunks(_ connection: PostgresConnection) throws(StoreError) -> [Part] {
    let rows = try connection.query(
      "SELECT part::TEXT FROM show_chunks(to_regclass($1), older_than => $2) part", [.text(table), end])
    return try (0..<rows.count).map { row throws(StoreError) in
      let name = try rows.text(row, 0)
      return Part(name: name, dropping: "DROP TABLE \(name)")
    }
  }
}
