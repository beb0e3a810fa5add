package import Market

extension PostgresStore: Maintenance {
  // MARK: Pins

  package func pin(_ pin: RetentionPin) throws {
    _ = try pool.withConnection {
      try $0.run(
        """
        INSERT INTO retention_pins (venue, symbol, range_from, range_to, reason, pinned_at)
        SELECT $1, $2, $3, $4, $5, $6
        WHERE NOT EXISTS (SELECT FROM retention_pins
          WHERE venue = $1 AND symbol = $2 AND range_from <= $3 AND range_to >= $4)
        """,
        [
          .text(pin.series.venue.name), .text(pin.series.symbol.name), .instant(pin.range.lowerBound),
          .instant(pin.range.upperBound), .text(pin.reason), .instant(pin.pinnedAt),
        ])
    }
  }

  package func pins() throws -> [RetentionPin] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT venue, symbol, range_from, range_to, reason, pinned_at FROM retention_pins
        ORDER BY venue COLLATE "C", symbol COLLATE "C", range_from, range_to
        """)
    }
    return try (0..<rows.count).map { row in
      let (from, to) = (try rows.time(row, 2), try rows.time(row, 3))
      guard from <= to else {
        throw StoreError.corrupt(path: name, reason: "a pinned range ends before it begins, at \(from)")
      }
      return RetentionPin(
        series: try series(rows, row), range: from..<to, reason: try rows.text(row, 4), pinnedAt: try rows.time(row, 5))
    }
  }

  /// Of a row that begins with venue and symbol.
  private func series(_ rows: PostgresRows, _ row: Int) throws(StoreError) -> Series {
    guard let venue = Venue(try rows.text(row, 0)), let symbol = Symbol(try rows.text(row, 1)) else {
      throw .corrupt(path: name, reason: "a row is of no proper series")
    }
    return Series(venue, symbol)
  }

  // MARK: Retention

  package func expiringCandles(_ policy: RetentionPolicy, at now: Timestamp) throws -> [ExpiringCandles] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT s.venue, s.symbol, min(t.open_time), max(t.open_time), count(DISTINCT t.open_time)
        FROM candle_versions t JOIN series s ON s.id = t.series
        WHERE t.open_time < $1 AND \(PostgresExpiry.isUnpinned)
        GROUP BY s.id, s.venue, s.symbol ORDER BY s.venue COLLATE "C", s.symbol COLLATE "C"
        """, [.instant(policy.firstCandle(at: now))])
    }
    return try (0..<rows.count).map { row in
      let range = try rows.time(row, 2)..<(try rows.time(row, 3).adding(minutes: 1))
      return ExpiringCandles(series: try series(rows, row), range: range, rows: Int(try rows.integer(row, 4)))
    }
  }

  package func removeExpired(_ policy: RetentionPolicy, at now: Timestamp) throws -> RemovedRows {
    memory = PostgresMemory()
    defer { partitions.forget() }
    return try pool.withConnection { connection in
      try connection.transaction {
        try connection.script("SET LOCAL statement_timeout = 0")
        // Whoever writes to a series waits, and looks again at what there is.
        try connection.script("SELECT id FROM series ORDER BY id FOR UPDATE")
        var removed = RemovedRows()
        for expiry in PostgresExpiry.all(policy, at: now) {
          removed[keyPath: expiry.counter] += try expiry.run(on: connection)
        }
        if removed.candles > 0 { try settleSeries(from: policy.firstCandle(at: now), connection) }
        return removed
      }
    }
  }

  /// What a feed fetched before `time` is no gap now: its ledger begins where its candles do.
  private func settleSeries(from time: Timestamp, _ connection: PostgresConnection) throws(StoreError) {
    try connection.script(
      """
      UPDATE series SET row_count = rest.row_count, revisions = rest.revisions, first_open = rest.first_open,
        last_open = rest.last_open, writes = writes + 1
      FROM (
        SELECT s.id, count(v.open_time) FILTER (WHERE v.revision = 0) AS row_count,
          count(v.open_time) FILTER (WHERE v.revision > 0) AS revisions,
          coalesce(min(v.open_time), 'infinity') AS first_open, coalesce(max(v.open_time), '-infinity') AS last_open
        FROM series s LEFT JOIN candle_versions v ON v.series = s.id GROUP BY s.id) rest
      WHERE rest.id = series.id
      """)
    let minute = [PostgresValue.integer(time.minute)]
    try connection.run("DELETE FROM gap_ledger WHERE kind = 'minutes' AND range_to <= $1", minute)
    try connection.run("UPDATE gap_ledger SET range_from = $1 WHERE kind = 'minutes' AND range_from < $1", minute)
  }

  package func setPolicies(_ policy: RetentionPolicy?, compressAfterDays days: Int) throws {
    try pool.withConnection { connection in
      guard try PostgresTimescale.isHypertable("market_data", connection) else { return }
      try PostgresTimescale.setPolicies(policy, compressAfterDays: days, connection)
    }
  }

  // MARK: Accuracy

  package func predictionsWithoutOutcome(in range: Range<Timestamp>) throws -> [UnsettledPredictions] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT DISTINCT market_view COLLATE "C", target COLLATE "C", time FROM predictions p
        WHERE time >= $1 AND time < $2 AND mode = 'live' AND coalesce(probability_up, change_percent) IS NOT NULL
          AND NOT EXISTS (SELECT FROM prediction_outcomes o
            WHERE o.time = p.time AND o.market_view = p.market_view AND o.target = p.target)
        ORDER BY 1, 2, 3
        """, [.instant(range.lowerBound), .instant(range.upperBound)])
    }
    var unsettled: [UnsettledPredictions] = []
    for row in 0..<rows.count {
      guard let view = MarketView(try rows.text(row, 0)), let target = PredictionTarget(try rows.text(row, 1)) else {
        throw StoreError.corrupt(path: name, reason: "a prediction of \(try rows.time(row, 2)) has names nobody knows")
      }
      if unsettled.last?.view != view || unsettled.last?.target != target {
        unsettled.append(UnsettledPredictions(view: view, target: target, times: []))
      }
      unsettled[unsettled.count - 1].times.append(try rows.time(row, 2))
    }
    return unsettled
  }

  package func setOutcomes(_ outcomes: [PredictionOutcome]) throws {
    guard !outcomes.isEmpty else { return }
    let statements = outcomes.map { outcome in
      PostgresStatement(
        """
        INSERT INTO prediction_outcomes (time, market_view, target, outcome, known_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (time, market_view, target) DO UPDATE SET outcome = excluded.outcome, known_at = excluded.known_at
        """,
        [
          .instant(outcome.time), .text(outcome.view.description), .text(outcome.target.description),
          .double(outcome.value), .instant(outcome.knownAt),
        ])
    }
    try pool.withConnection { connection in
      try connection.transaction {
        for start in stride(from: 0, to: statements.count, by: 1000) {
          for statement in statements[start..<min(start + 1000, statements.count)] {
            try connection.run(statement.sql, statement.values)
          }
        }
      }
    }
  }

  package func outcomes(
    of view: MarketView, in range: Range<Timestamp>, target: PredictionTarget?
  ) throws -> [PredictionOutcome] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT time, target, outcome, known_at FROM prediction_outcomes
        WHERE market_view = $1 AND time >= $2 AND time < $3 AND $4::TEXT IN ('', target)
        ORDER BY time, target COLLATE "C"
        """,
        [
          .text(view.description), .instant(range.lowerBound), .instant(range.upperBound),
          .text(target?.description ?? ""),
        ])
    }
    return try (0..<rows.count).map { row in
      guard let target = PredictionTarget(try rows.text(row, 1)), let value = try rows.optionalDouble(row, 2) else {
        throw StoreError.corrupt(path: name, reason: "the outcome of \(try rows.time(row, 0)) cannot be read")
      }
      return PredictionOutcome(
        time: try rows.time(row, 0), view: view, target: target, value: value, knownAt: try rows.time(row, 3))
    }
  }

  package func rollUpAccuracy(from day: Timestamp, at now: Timestamp) throws -> Int {
    let start = [PostgresValue.instant(Timestamp(minute: day.day * 1440))]
    return try pool.withConnection { connection in
      try connection.transaction {
        try connection.run(
          "DELETE FROM prediction_accuracy WHERE day >= ($1::TIMESTAMPTZ AT TIME ZONE 'UTC')::DATE", start)
        return try connection.run(
          """
          INSERT INTO prediction_accuracy (day, market_view, target, model_name, version, mode, prediction_count,
            accuracy, brier, log_loss, mae, rmse, computed_at)
          SELECT (p.time AT TIME ZONE 'UTC')::DATE, p.market_view, p.target, p.model_name, p.version, p.mode, count(*),
            avg(CASE WHEN p.probability_up IS NULL THEN ((p.change_percent >= 0) = (o.outcome >= 0))::INTEGER
              ELSE ((p.probability_up >= 0.5) = ((\(SeedDialect.outcomeUp)) >= 0.5))::INTEGER END)::DOUBLE PRECISION,
            avg((p.probability_up - (\(SeedDialect.outcomeUp))) ^ 2),
            avg(CASE WHEN (\(SeedDialect.outcomeUp)) >= 0.5 THEN -ln(greatest(p.probability_up, 1e-15))
              ELSE -ln(greatest(1 - p.probability_up, 1e-15)) END) FILTER (WHERE p.probability_up IS NOT NULL),
            avg(abs(p.change_percent - o.outcome)), sqrt(avg((p.change_percent - o.outcome) ^ 2)), $2
          FROM predictions p JOIN prediction_outcomes o USING (time, market_view, target)
          WHERE p.time >= $1 AND p.mode = 'live' AND coalesce(p.probability_up, p.change_percent) IS NOT NULL
          GROUP BY 1, 2, 3, 4, 5, 6
          """, start + [.instant(now)])
      }
    }
  }

  package func accuracy() throws -> [DailyAccuracy] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT day::TIMESTAMP AT TIME ZONE 'UTC', market_view, target, model_name, version, prediction_count, accuracy,
          brier, log_loss, mae
        FROM prediction_accuracy
        ORDER BY day, market_view COLLATE "C", target COLLATE "C", model_name COLLATE "C", version COLLATE "C"
        """)
    }
    return try (0..<rows.count).map { row in
      guard let view = MarketView(try rows.text(row, 1)), let target = PredictionTarget(try rows.text(row, 2)),
        let model = ModelName(rawValue: try rows.text(row, 3)), let accuracy = try rows.optionalDouble(row, 6)
      else {
        throw StoreError.corrupt(path: name, reason: "an accuracy of \(try rows.time(row, 0)) has names nobody knows")
      }
      return DailyAccuracy(
        day: try rows.time(row, 0), view: view, target: target, model: model, version: try rows.text(row, 4),
        count: Int(try rows.integer(row, 5)), accuracy: accuracy, brier: try rows.optionalDouble(row, 7),
        logLoss: try rows.optionalDouble(row, 8), meanAbsoluteError: try rows.optionalDouble(row, 9))
    }
  }
}
