package import Market

extension DuckDBStore: Maintenance {
  // MARK: Pins

  package func pin(_ pin: RetentionPin) throws {
    let identity: [SQLValue] = [
      .text(pin.series.venue.name), .text(pin.series.symbol.name), .instant(pin.range.lowerBound),
      .instant(pin.range.upperBound),
    ]
    try session.run(
      """
      INSERT INTO retention_pins SELECT ?1, ?2, ?3, ?4, ?5, ?6
      WHERE NOT EXISTS (FROM retention_pins WHERE venue = ?1 AND symbol = ?2 AND range_from <= ?3 AND range_to >= ?4)
      """, identity + [.text(pin.reason), .instant(pin.pinnedAt)])
  }

  package func pins() throws -> [RetentionPin] {
    var pins: [RetentionPin] = []
    try session.query(
      """
      SELECT venue, symbol, range_from, range_to, reason, pinned_at FROM retention_pins
      ORDER BY venue, symbol, range_from, range_to
      """
    ).forEachRow { chunk, row throws(StoreError) in
      let (from, to) = (chunk.column(2).time(row), chunk.column(3).time(row))
      guard from <= to else { throw .corrupt(path: path, reason: "a pinned range ends before it begins, at \(from)") }
      pins.append(
        RetentionPin(
          series: try series(chunk, row), range: from..<to, reason: chunk.column(4).text(row),
          pinnedAt: chunk.column(5).time(row)))
    }
    return pins
  }

  /// Of a row that begins with venue and symbol.
  private func series(_ chunk: ResultChunk, _ row: Int) throws(StoreError) -> Series {
    guard let venue = Venue(chunk.column(0).text(row)), let symbol = Symbol(chunk.column(1).text(row)) else {
      throw .corrupt(path: path, reason: "a row is of no proper series")
    }
    return Series(venue, symbol)
  }

  // MARK: Retention

  private static let isUnpinned = """
    NOT EXISTS (FROM retention_pins p JOIN series s ON s.venue = p.venue AND s.symbol = p.symbol
      WHERE s.id = candle_versions.series AND candle_versions.open_time >= p.range_from
        AND candle_versions.open_time < p.range_to)
    """

  package func expiringCandles(_ policy: RetentionPolicy, at now: Timestamp) throws -> [ExpiringCandles] {
    var expiring: [ExpiringCandles] = []
    try session.query(
      """
      SELECT any_value(venue), any_value(symbol), min(open_time), max(open_time), count(DISTINCT open_time)
      FROM candle_versions JOIN series ON series.id = candle_versions.series
      WHERE open_time < ? AND \(Self.isUnpinned) GROUP BY series.id ORDER BY 1, 2
      """, [.instant(policy.firstCandle(at: now))]
    ).forEachRow { chunk, row throws(StoreError) in
      let range = chunk.column(2).time(row)..<chunk.column(3).time(row).adding(minutes: 1)
      expiring.append(
        ExpiringCandles(
          series: try series(chunk, row), range: range, rows: Int(chunk.column(4).value(row, as: Int64.self))))
    }
    return expiring
  }

  package func removeExpired(_ policy: RetentionPolicy, at now: Timestamp) throws -> RemovedRows {
    memory = LiveMemory()
    return try session.transaction {
      try writeDownTails()
      var removed = RemovedRows()
      removed.candles = try removeCandles(before: policy.firstCandle(at: now))
      removed.oracles = try removeOracles(before: policy.firstCandle(at: now))
      let predictions = [SQLValue.instant(policy.firstPrediction(at: now))]
      removed.predictions = try session.run("DELETE FROM predictions WHERE time < ? AND mode = 'live'", predictions)
      removed.outcomes = try session.run("DELETE FROM prediction_outcomes WHERE time < ?", predictions)
      removed.features = try session.run(
        "DELETE FROM feature_cache WHERE time < ?", [.instant(policy.firstFeature(at: now))])
      removed.rest = try removeRest(before: policy.firstOther(at: now))
      return removed
    }
  }

  private func removeCandles(before end: Timestamp) throws(StoreError) -> Int {
    let removed = try session.run(
      "DELETE FROM candle_versions WHERE open_time < ? AND \(Self.isUnpinned)", [.instant(end)])
    guard removed > 0 else { return 0 }
    try session.run(
      """
      UPDATE series SET row_count = rest.row_count, revisions = rest.revisions, first_open = rest.first_open,
        last_open = rest.last_open
      FROM (
        SELECT series.id, count(open_time) FILTER (revision = 0) AS row_count,
          count(open_time) FILTER (revision > 0) AS revisions, coalesce(min(open_time), 'epoch') AS first_open,
          coalesce(max(open_time), 'epoch') AS last_open
        FROM series LEFT JOIN candle_versions ON series.id = candle_versions.series GROUP BY series.id) rest
      WHERE rest.id = series.id AND (rest.row_count, rest.revisions) IS DISTINCT FROM (series.row_count, series.revisions)
      """)
    // What a feed fetched before is no gap now: its ledger begins where its candles do.
    let minute = [SQLValue.integer(end.minute)]
    try session.run("DELETE FROM gap_ledger WHERE kind = 'minutes' AND range_to <= ?", minute)
    try session.run("UPDATE gap_ledger SET range_from = ?1 WHERE kind = 'minutes' AND range_from < ?1", minute)
    return removed
  }

  private func removeOracles(before end: Timestamp) throws(StoreError) -> Int {
    try session.run("DELETE FROM oracle_ticks WHERE observed_at < ?", [.instant(end)])
      + session.run("DELETE FROM oracle_minutes WHERE open_time < ?", [.instant(end)])
  }

  private func removeRest(before end: Timestamp) throws(StoreError) -> Int {
    var removed = try session.run("DELETE FROM market_data WHERE timestamp < ?", [.integer(end.milliseconds)])
    removed += try session.run("DELETE FROM data_quality_logs WHERE resolved AND created_at < ?", [.instant(end)])
    removed += try session.run(
      "DELETE FROM \"systemLogs\" WHERE timestamp < timezone('UTC', ?::TIMESTAMPTZ)", [.instant(end)])
    return removed
  }

  package func setPolicies(_ policy: RetentionPolicy?, compressAfterDays: Int) {}

  // MARK: Accuracy

  // Asked for every minute, so without a join: DuckDB keeps kilobytes of each one for hours.
  package func predictionsWithoutOutcome(in range: Range<Timestamp>) throws -> [UnsettledPredictions] {
    guard let days = try daysOfPredictions(in: range) else { return [] }
    var times: [OutcomeKey.Question: [Timestamp]] = [:]
    for day in days {
      let hours = range.clamped(to: Timestamp(minute: day * 1440)..<Timestamp(minute: (day + 1) * 1440))
      var seen = try outcomeKeys(in: hours)
      try session.query(
        """
        SELECT \(OutcomeKey.selection) FROM predictions
        WHERE time >= ? AND time < ? AND mode = 'live' AND coalesce(probability_up, change_percent) IS NOT NULL
        """, [.instant(hours.lowerBound), .instant(hours.upperBound)]
      ).forEachRow { chunk, row throws(StoreError) in
        let key = OutcomeKey(chunk, row)
        if seen.insert(key).inserted { times[key.question, default: []].append(key.time) }
      }
    }
    return try times.sorted { $0.key < $1.key }.map { question, times in
      guard let view = MarketView(question.view), let target = PredictionTarget(question.target) else {
        throw StoreError.corrupt(path: path, reason: "a prediction of \(times[0]) has names nobody knows")
      }
      return UnsettledPredictions(view: view, target: target, times: times.sorted())
    }
  }

  private func daysOfPredictions(in range: Range<Timestamp>) throws -> ClosedRange<Int64>? {
    let span = try session.query(
      "SELECT min(time), max(time) FROM predictions WHERE time >= ? AND time < ?",
      [.instant(range.lowerBound), .instant(range.upperBound)])
    let days = try span.next { chunk throws(StoreError) -> ClosedRange<Int64>? in
      guard let first = chunk.column(0).optionalTime(0), let last = chunk.column(1).optionalTime(0) else { return nil }
      return first.day...last.day
    }
    return days ?? nil
  }

  private func outcomeKeys(in range: Range<Timestamp>) throws -> Set<OutcomeKey> {
    var keys = Set<OutcomeKey>()
    try session.query(
      "SELECT \(OutcomeKey.selection) FROM prediction_outcomes WHERE time >= ? AND time < ?",
      [.instant(range.lowerBound), .instant(range.upperBound)]
    ).forEachRow { chunk, row throws(StoreError) in keys.insert(OutcomeKey(chunk, row)) }
    return keys
  }

  package func setOutcomes(_ outcomes: [PredictionOutcome]) throws {
    guard let first = outcomes.map(\.time).min(), let last = outcomes.map(\.time).max() else { return }
    try session.transaction {
      let stored = try outcomeKeys(in: first..<last.adding(microseconds: 1))
      for key in outcomes.map(OutcomeKey.init) where stored.contains(key) {
        try session.run(
          "DELETE FROM prediction_outcomes WHERE time = ? AND market_view = ? AND target = ?",
          [.instant(key.time), .text(key.question.view), .text(key.question.target)])
      }
      let appender = try ChunkAppender(
        session, table: "prediction_outcomes", [.instant, .text, .text, .double, .instant])
      for outcome in outcomes {
        appender.set(0, outcome.time)
        appender.set(1, text: outcome.view.description)
        appender.set(2, text: outcome.target.description)
        appender.set(3, outcome.value)
        appender.set(4, outcome.knownAt)
        try appender.endRow()
      }
      try appender.finish()
    }
  }

  package func outcomes(
    of view: MarketView, in range: Range<Timestamp>, target: PredictionTarget?
  ) throws -> [PredictionOutcome] {
    var outcomes: [PredictionOutcome] = []
    try session.query(
      """
      SELECT time, target, outcome, known_at FROM prediction_outcomes
      WHERE market_view = ?1 AND time >= ?2 AND time < ?3 AND ?4 IN ('', target) ORDER BY time, target
      """,
      [
        .text(view.description), .instant(range.lowerBound), .instant(range.upperBound),
        .text(target?.description ?? ""),
      ]
    ).forEachRow { chunk, row throws(StoreError) in
      guard let target = PredictionTarget(chunk.column(1).text(row)) else {
        throw .corrupt(path: path, reason: "an outcome of \(chunk.column(0).time(row)) has a target nobody knows")
      }
      outcomes.append(
        PredictionOutcome(
          time: chunk.column(0).time(row), view: view, target: target, value: chunk.column(2).value(row),
          knownAt: chunk.column(3).time(row)))
    }
    return outcomes
  }

  package func rollUpAccuracy(from day: Timestamp, at now: Timestamp) throws -> Int {
    try session.transaction {
      let start = [SQLValue.instant(Timestamp(minute: day.day * 1440))]
      try session.run("DELETE FROM prediction_accuracy WHERE day >= timezone('UTC', ?::TIMESTAMPTZ)::DATE", start)
      return try session.run(
        """
        INSERT INTO prediction_accuracy
        SELECT timezone('UTC', p.time)::DATE, p.market_view, p.target, p.model_name, p.version, p.mode, count(*),
          avg(CASE WHEN p.probability_up IS NULL THEN ((p.change_percent >= 0) = (o.outcome >= 0))::INTEGER
            ELSE ((p.probability_up >= 0.5) = ((\(SeedDialect.outcomeUp)) >= 0.5))::INTEGER END),
          avg((p.probability_up - (\(SeedDialect.outcomeUp))) ** 2),
          avg(CASE WHEN (\(SeedDialect.outcomeUp)) >= 0.5 THEN -ln(greatest(p.probability_up, 1e-15))
            ELSE -ln(greatest(1 - p.probability_up, 1e-15)) END) FILTER (p.probability_up IS NOT NULL),
          avg(abs(p.change_percent - o.outcome)), sqrt(avg((p.change_percent - o.outcome) ** 2)), ?2
        FROM predictions p JOIN prediction_outcomes o USING (time, market_view, target)
        WHERE p.time >= ?1 AND p.mode = 'live' AND coalesce(p.probability_up, p.change_percent) IS NOT NULL
        GROUP BY ALL
        """, start + [.instant(now)])
    }
  }

  package func accuracy() throws -> [DailyAccuracy] {
    var days: [DailyAccuracy] = []
    try session.query(
      """
      SELECT timezone('UTC', day::TIMESTAMP), market_view, target, model_name, version, prediction_count, accuracy,
        brier, log_loss, mae
      FROM prediction_accuracy ORDER BY day, market_view, target, model_name, version
      """
    ).forEachRow { chunk, row throws(StoreError) in
      guard let view = MarketView(chunk.column(1).text(row)), let target = PredictionTarget(chunk.column(2).text(row)),
        let model = ModelName(rawValue: chunk.column(3).text(row))
      else { throw .corrupt(path: path, reason: "an accuracy of \(chunk.column(0).time(row)) has names nobody knows") }
      days.append(
        DailyAccuracy(
          day: chunk.column(0).time(row), view: view, target: target, model: model, version: chunk.column(4).text(row),
          count: Int(chunk.column(5).value(row, as: Int64.self)), accuracy: chunk.column(6).value(row),
          brier: chunk.column(7).optional(row), logLoss: chunk.column(8).optional(row),
          meanAbsoluteError: chunk.column(9).optional(row)))
    }
    return days
  }
}

/// What has one outcome.
private struct OutcomeKey: Hashable {
  struct Question: Hashable, Comparable {
    let view: String
    let target: String

    static func < (a: Question, b: Question) -> Bool { (a.view, a.target) < (b.view, b.target) }
  }

  let time: Timestamp
  let question: Question

  static let selection = "time, market_view, target"

  init(_ outcome: PredictionOutcome) {
    time = outcome.time
    question = Question(view: outcome.view.description, target: outcome.target.description)
  }

  /// A row of `selection`.
  init(_ chunk: ResultChunk, _ row: Int) {
    time = chunk.column(0).time(row)
    question = Question(view: chunk.column(1).text(row), target: chunk.column(2).text(row))
  }
}
