package import Market

/// What oracles observed, tick by tick and by minute.
extension PostgresStore {
  package func readOracleTicks(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp,
    _ body: ([OracleTickRecord]) throws -> Void
  ) throws {
    try readByDays("oracle_ticks", "observed_at", venue, feed, in: range) { day in
      let rows = try pool.withConnection {
        try $0.query(
          """
          SELECT source, quantity, seconds, observed_at, price, bid, ask, available_at, known_at FROM oracle_ticks
          WHERE venue = $1 AND feed = $2 AND observed_at >= $3 AND observed_at < $4 AND known_at <= $5
          ORDER BY observed_at, source COLLATE "C", quantity COLLATE "C", seconds
          """,
          [
            .text(venue.name), .text(feed.name), .instant(day.lowerBound), .instant(day.upperBound), .instant(asOf),
          ])
      }
      let ticks = try (0..<rows.count).map { row in try tick(rows, row, venue, feed) }
      if !ticks.isEmpty { try body(ticks) }
    }
  }

  private func tick(
    _ rows: PostgresRows, _ row: Int, _ venue: Venue, _ feed: Symbol
  ) throws(StoreError) -> OracleTickRecord {
    let time = try rows.time(row, 3)
    guard let source = OracleSource(rawValue: try rows.text(row, 0)),
      let quantity = OracleTick.Quantity(name: try rows.text(row, 1), seconds: try rows.optionalInteger(row, 2))
    else { throw .corrupt(path: name, reason: "a tick of \(time) has names nobody knows") }
    let tick = OracleTick(
      feed: feed, source: source, quantity: quantity, time: time, price: try rows.price(row, 4),
      bid: try rows.optionalPrice(row, 5), ask: try rows.optionalPrice(row, 6))
    return OracleTickRecord(
      venue: venue, tick: tick, availableAt: try rows.time(row, 7), knownAt: try rows.time(row, 8))
  }

  package func readOracleMinutes(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([OracleMinute]) throws -> Void
  ) throws {
    try readByDays("oracle_minutes", "open_time", venue, feed, in: range) { day in
      let minutes = try pool.withConnection { try newestMinutes($0, venue, feed, in: day, asOf: asOf) }
      if !minutes.isEmpty { try body(minutes.map(\.minute)) }
    }
  }

  /// Calls `body` with the days on which there may be rows, in order.
  private func readByDays(
    _ table: String, _ column: String, _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>,
    _ body: (Range<Timestamp>) throws -> Void
  ) throws {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT min(\(column)), max(\(column)) FROM \(table)
        WHERE venue = $1 AND feed = $2 AND \(column) >= $3 AND \(column) < $4
        """, [.text(venue.name), .text(feed.name), .instant(range.lowerBound), .instant(range.upperBound)])
    }
    guard let first = try rows.optionalTime(0, 0), let last = try rows.optionalTime(0, 1) else { return }
    for day in first.day...last.day {
      let start = Timestamp(microseconds: day * Timestamp.microsecondsPerDay)
      try body((start..<start.adding(microseconds: Timestamp.microsecondsPerDay)).clamped(to: range))
    }
  }

  // MARK: Writing

  func addTicks(_ batches: [LiveBatch], to commit: inout PostgresCommit) {
    for batch in batches {
      for record in batch.ticks {
        commit.times[.oracleTicks, default: []].insert(record.tick.time)
        commit.add(
          """
          INSERT INTO oracle_ticks (venue, feed, source, quantity, seconds, observed_at, price, bid, ask, available_at,
            known_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING
          """,
          [
            .text(record.venue.name), .text(record.tick.feed.name), .text(record.tick.source.rawValue),
            .text(record.tick.quantity.name), .integer(record.tick.quantity.seconds), .instant(record.tick.time),
            .price(record.tick.price), .price(record.tick.bid), .price(record.tick.ask), .instant(record.availableAt),
            .instant(batch.knownAt),
          ])
      }
    }
  }

  func addOracleMinutes(
    _ batches: [LiveBatch], to commit: inout PostgresCommit, _ connection: PostgresConnection
  ) throws {
    let added = try OracleMinuteVersion.added(by: batches) { key in
      try newestMinutes(
        connection, key.venue, key.feed, in: key.openTime..<key.openTime.adding(microseconds: 1), asOf: .distantFuture
      ).first
    }
    for version in added {
      commit.times[.oracleMinutes, default: []].insert(version.minute.openTime)
      commit.add(
        """
        INSERT INTO oracle_minutes (venue, feed, open_time, revision, open, high, low, close, tick_count, sampled,
          available_at, known_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        [
          .text(version.venue.name), .text(version.minute.feed.name), .instant(version.minute.openTime),
          .integer(Int64(version.revision)), .price(version.minute.open), .price(version.minute.high),
          .price(version.minute.low), .price(version.minute.close), .integer(Int64(version.minute.ticks)),
          .boolean(version.minute.isSampled), .instant(version.availableAt), .instant(version.knownAt),
        ])
    }
  }

  private func newestMinutes(
    _ connection: PostgresConnection, _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp
  ) throws(StoreError) -> [StoredOracleMinute] {
    let rows = try connection.query(
      """
      SELECT open_time, revision, open, high, low, close, tick_count, sampled, known_at FROM oracle_minutes
      WHERE venue = $1 AND feed = $2 AND open_time >= $3 AND open_time < $4 AND known_at <= $5
      ORDER BY open_time, revision
      """,
      [
        .text(venue.name), .text(feed.name), .instant(range.lowerBound), .instant(range.upperBound), .instant(asOf),
      ])
    var minutes: [StoredOracleMinute] = []
    for row in 0..<rows.count {
      let minute = OracleMinute(
        feed: feed, openTime: try rows.time(row, 0), open: try rows.price(row, 2), high: try rows.price(row, 3),
        low: try rows.price(row, 4), close: try rows.price(row, 5), ticks: Int(try rows.integer(row, 6)),
        isSampled: try rows.boolean(row, 7))
      if minutes.last?.minute.openTime == minute.openTime { minutes.removeLast() }
      minutes.append(
        StoredOracleMinute(
          minute: minute, revision: Int32(clamping: try rows.integer(row, 1)), knownAt: try rows.time(row, 8)))
    }
    return minutes
  }
}
