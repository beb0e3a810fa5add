package import Market

/// What oracles observed, tick by tick and by minute.
extension DuckDBStore {
  package func readOracleTicks(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp,
    _ body: ([OracleTickRecord]) throws -> Void
  ) throws {
    try readByDays("oracle_ticks", "observed_at", venue, feed, in: range) { day in
      let result = try statements.query(
        """
        SELECT source, quantity, seconds, observed_at, price, bid, ask, available_at, known_at FROM oracle_ticks
        WHERE venue = ? AND feed = ? AND observed_at >= ? AND observed_at < ? AND known_at <= ?
        ORDER BY observed_at, source, quantity, seconds
        """,
        [
          .text(venue.name), .text(feed.name), .instant(day.lowerBound), .instant(day.upperBound), .instant(asOf),
        ])
      while let batch = try result.next({ chunk throws(StoreError) in
        try TickColumns.ticks(in: chunk, venue, feed, path: path)
      }) {
        try body(batch)
      }
    }
  }

  package func readOracleMinutes(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([OracleMinute]) throws -> Void
  ) throws {
    try readByDays("oracle_minutes", "open_time", venue, feed, in: range) { day in
      let minutes = try newestMinutes(venue, feed, in: day, asOf: asOf)
      if !minutes.isEmpty { try body(minutes.map(\.minute)) }
    }
  }

  /// Calls `body` with the days on which there may be rows, in order.
  private func readByDays(
    _ table: String, _ column: String, _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>,
    _ body: (Range<Timestamp>) throws -> Void
  ) throws {
    let result = try session.query(
      """
      SELECT min(\(column)), max(\(column)) FROM \(table)
      WHERE venue = ? AND feed = ? AND \(column) >= ? AND \(column) < ?
      """, [.text(venue.name), .text(feed.name), .instant(range.lowerBound), .instant(range.upperBound)])
    var found: ClosedRange<Timestamp>?
    try result.forEachRow { chunk, row throws(StoreError) in
      guard let first = chunk.column(0).optionalTime(row), let last = chunk.column(1).optionalTime(row) else { return }
      found = first...last
    }
    guard let found else { return }
    for day in found.lowerBound.day...found.upperBound.day {
      let start = Timestamp(microseconds: day * Timestamp.microsecondsPerDay)
      try body((start..<start.adding(microseconds: Timestamp.microsecondsPerDay)).clamped(to: range))
    }
  }

  // MARK: Writing

  func addTicks(_ batches: [LiveBatch]) throws {
    let times = batches.flatMap(\.ticks).map(\.tick.time)
    guard let first = times.min(), let last = times.max() else { return }
    var seen = Set<TickKey>()
    let stored = try session.planned { () throws(StoreError) in
      try statements.query(
        "SELECT \(TickKey.selection) FROM oracle_ticks WHERE observed_at >= ? AND observed_at <= ?",
        [.instant(first), .instant(last)])
    }
    try stored.forEachRow { chunk, row throws(StoreError) in seen.insert(TickKey(chunk, row)) }
    let appender = try ChunkAppender(session, table: "oracle_ticks", TickColumns.types)
    for batch in batches {
      for var record in batch.ticks where seen.insert(TickKey(record)).inserted {
        record.knownAt = batch.knownAt
        try TickColumns.append(record, to: appender)
      }
    }
    try appender.finish()
  }

  func addOracleMinutes(_ batches: [LiveBatch]) throws {
    let added = try OracleMinuteVersion.added(by: batches) { key in try storedMinute(key) }
    guard !added.isEmpty else { return }
    let appender = try ChunkAppender(
      session, table: "oracle_minutes",
      [
        .text, .text, .instant, .integer, .oraclePrice, .oraclePrice, .oraclePrice, .oraclePrice, .bigint, .boolean,
        .instant, .instant,
      ])
    for version in added {
      appender.set(0, text: version.venue.name)
      appender.set(1, text: version.minute.feed.name)
      appender.set(2, version.minute.openTime)
      appender.set(3, version.revision)
      appender.set(4, version.minute.open)
      appender.set(5, version.minute.high)
      appender.set(6, version.minute.low)
      appender.set(7, version.minute.close)
      appender.set(8, Int64(version.minute.ticks))
      appender.set(9, version.minute.isSampled)
      appender.set(10, version.availableAt)
      appender.set(11, version.knownAt)
      try appender.endRow()
    }
    try appender.finish()
  }

  private func storedMinute(_ key: OracleMinuteKey) throws(StoreError) -> StoredOracleMinute? {
    try session.planned { () throws(StoreError) in
      try newestMinutes(
        key.venue, key.feed, in: key.openTime..<key.openTime.adding(microseconds: 1), asOf: .distantFuture)
    }.first
  }

  private func newestMinutes(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp
  ) throws(StoreError) -> [StoredOracleMinute] {
    let result = try statements.query(
      """
      SELECT open_time, revision, open, high, low, close, tick_count, sampled, known_at FROM oracle_minutes
      WHERE venue = ? AND feed = ? AND open_time >= ? AND open_time < ? AND known_at <= ?
      ORDER BY open_time, revision
      """,
      [
        .text(venue.name), .text(feed.name), .instant(range.lowerBound), .instant(range.upperBound), .instant(asOf),
      ])
    var minutes: [StoredOracleMinute] = []
    try result.forEachRow { chunk, row throws(StoreError) in
      func price(_ column: Int) -> OraclePrice { OraclePrice(units: chunk.column(column).value(row)) }
      let minute = OracleMinute(
        feed: feed, openTime: chunk.column(0).time(row), open: price(2), high: price(3), low: price(4), close: price(5),
        ticks: Int(chunk.column(6).value(row, as: Int64.self)),
        isSampled: chunk.column(7).value(row, as: UInt8.self) != 0)
      if minutes.last?.minute.openTime == minute.openTime { minutes.removeLast() }
      minutes.append(
        StoredOracleMinute(
          minute: minute, revision: chunk.column(1).value(row), knownAt: chunk.column(8).time(row)))
    }
    return minutes
  }
}

/// What makes an observation one of its kind, as the table has it.
private struct TickKey: Hashable {
  let venue: String
  let feed: String
  let source: String
  let quantity: String
  let seconds: Int64?
  let time: Timestamp

  static let selection = "venue, feed, source, quantity, seconds, observed_at"

  init(_ record: OracleTickRecord) {
    (venue, feed) = (record.venue.name, record.tick.feed.name)
    (source, time) = (record.tick.source.rawValue, record.tick.time)
    (quantity, seconds) = (record.tick.quantity.name, record.tick.quantity.seconds)
  }

  /// A row of `selection`.
  init(_ chunk: ResultChunk, _ row: Int) {
    (venue, feed) = (chunk.column(0).text(row), chunk.column(1).text(row))
    (source, quantity) = (chunk.column(2).text(row), chunk.column(3).text(row))
    (seconds, time) = (chunk.column(4).optional(row), chunk.column(5).time(row))
  }
}

/// How observations stand in the table `oracle_ticks`.
private enum TickColumns {
  static let types: [ChunkAppender.ColumnType] = [
    .text, .text, .text, .text, .bigint, .instant, .oraclePrice, .oraclePrice, .oraclePrice, .instant, .instant,
  ]

  static func append(_ record: OracleTickRecord, to appender: ChunkAppender) throws(StoreError) {
    appender.set(0, text: record.venue.name)
    appender.set(1, text: record.tick.feed.name)
    appender.set(2, text: record.tick.source.rawValue)
    appender.set(3, text: record.tick.quantity.name)
    appender.set(4, optional: record.tick.quantity.seconds)
    appender.set(5, record.tick.time)
    appender.set(6, record.tick.price)
    appender.set(7, record.tick.bid)
    appender.set(8, record.tick.ask)
    appender.set(9, record.availableAt)
    appender.set(10, record.knownAt)
    try appender.endRow()
  }

  /// Rows of `source, quantity, seconds, observed_at, price, bid, ask, available_at, known_at`.
  static func ticks(
    in chunk: ResultChunk, _ venue: Venue, _ feed: Symbol, path: String
  ) throws(StoreError) -> [OracleTickRecord] {
    let columns = (0..<9).map(chunk.column)
    var ticks: [OracleTickRecord] = []
    ticks.reserveCapacity(chunk.count)
    for row in 0..<chunk.count {
      guard let source = OracleSource(rawValue: columns[0].text(row)),
        let quantity = OracleTick.Quantity(name: columns[1].text(row), seconds: columns[2].optional(row)),
        let price = columns[4].oraclePrice(row)
      else { throw .corrupt(path: path, reason: "a tick of \(columns[3].time(row)) has names nobody knows") }
      let tick = OracleTick(
        feed: feed, source: source, quantity: quantity, time: columns[3].time(row), price: price,
        bid: columns[5].oraclePrice(row), ask: columns[6].oraclePrice(row))
      ticks.append(
        OracleTickRecord(
          venue: venue, tick: tick, availableAt: columns[7].time(row), knownAt: columns[8].time(row)))
    }
    return ticks
  }
}
