package import Market

/// The gap ledger and the log of quality events.
extension PostgresStore {
  package func ledger(_ series: Series, _ kind: LedgerKind) throws -> [LedgerRange] {
    try pool.withConnection { try readLedger($0, series, kind) }.runs.map {
      LedgerRange(series, kind, $0.range, $0.state, since: $0.since)
    }
  }

  func setLedger(
    _ ranges: [LedgerRange], in commit: inout PostgresCommit, _ connection: PostgresConnection
  ) throws {
    var before: [LiveMemory.LedgerKey: LedgerMap] = [:]
    for range in ranges {
      try remember(range.series, connection)
      let key = LiveMemory.LedgerKey(series: range.series, kind: range.kind)
      let known = memory.ledgers.removeValue(forKey: key)
      var map = try known ?? readLedger(connection, range.series, range.kind)
      if before[key] == nil { before[key] = map }
      map.set(range.range, range.state, since: range.since)
      memory.ledgers[key] = map
    }
    for (key, old) in before {
      guard let new = memory.ledgers[key], new != old else { continue }
      commit.touched.insert(key.series)
      commit.add(LedgerDifference(from: old, to: new), of: key)
    }
  }

  private func readLedger(
    _ connection: PostgresConnection, _ series: Series, _ kind: LedgerKind
  ) throws(StoreError) -> LedgerMap {
    let rows = try connection.query(
      """
      SELECT range_from, range_to, state, detail, since FROM gap_ledger
      WHERE venue = $1 AND symbol = $2 AND kind = $3 ORDER BY range_from
      """, [.text(series.venue.name), .text(series.symbol.name), .text(kind.rawValue)])
    var runs: [LedgerMap.Run] = []
    for row in 0..<rows.count {
      let (from, to) = (try rows.integer(row, 0), try rows.integer(row, 1))
      guard from < to, from >= runs.last?.range.upperBound ?? .min,
        let state = LedgerState(name: try rows.text(row, 2), detail: rows.optionalText(row, 3))
      else { throw .corrupt(path: name, reason: "the ledger of \(series) has no proper row at \(kind) \(from)") }
      runs.append(LedgerMap.Run(from..<to, state, since: try rows.time(row, 4)))
    }
    return LedgerMap(runs)
  }

  // MARK: Quality

  package func qualityEvents(
    _ series: Series?, in range: Range<Timestamp>, unresolvedOnly: Bool, limit: Int
  ) throws -> [QualityEvent] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT venue, symbol, event_type, created_at, candles_missing, resolved_at, details FROM data_quality_logs
        WHERE ($1 IS NULL OR venue = $1) AND ($2 IS NULL OR symbol = $2) AND NOT (resolved AND $3)
          AND created_at >= $5 AND created_at < $6
        ORDER BY created_at DESC, venue COLLATE "C", symbol COLLATE "C", event_type COLLATE "C" LIMIT $4
        """,
        [
          .text(series?.venue.name), .text(series?.symbol.name), .boolean(unresolvedOnly), .integer(Int64(limit)),
          .instant(range.lowerBound), .instant(range.upperBound),
        ])
    }
    return try (0..<rows.count).map { row in
      guard let venue = Venue(try rows.text(row, 0)), let symbol = Symbol(try rows.text(row, 1)) else {
        throw StoreError.corrupt(path: name, reason: "a quality event is of no series")
      }
      return QualityEvent(
        series: Series(venue, symbol), type: try rows.text(row, 2), createdAt: try rows.time(row, 3),
        candlesMissing: try rows.optionalInteger(row, 4).map { Int($0) }, resolvedAt: try rows.optionalTime(row, 5),
        details: try rows.text(row, 6))
    }
  }

  func setQuality(_ events: [QualityEvent], in commit: inout PostgresCommit) {
    for event in events {
      commit.times[.quality, default: []].insert(event.createdAt)
      commit.add(
        """
        INSERT INTO data_quality_logs (event_type, candles_missing, resolved, created_at, details, venue, symbol,
          resolved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (venue, symbol, event_type, created_at) DO UPDATE SET candles_missing = excluded.candles_missing,
          resolved = excluded.resolved, details = excluded.details, resolved_at = excluded.resolved_at
        """,
        [
          .text(event.type), .integer(event.candlesMissing.map { Int64($0) }), .boolean(event.resolvedAt != nil),
          .instant(event.createdAt), .text(event.details), .text(event.series.venue.name),
          .text(event.series.symbol.name), .instant(event.resolvedAt),
        ])
    }
  }
}

extension PostgresCommit {
  fileprivate mutating func add(_ difference: LedgerDifference, of key: LiveMemory.LedgerKey) {
    let identity: [PostgresValue] = [
      .text(key.series.venue.name), .text(key.series.symbol.name), .text(key.kind.rawValue),
    ]
    for start in difference.removed {
      add(
        "DELETE FROM gap_ledger WHERE venue = $1 AND symbol = $2 AND kind = $3 AND range_from = $4",
        identity + [.integer(start)])
    }
    func values(_ run: LedgerMap.Run) -> [PostgresValue] {
      identity + [
        .integer(run.range.lowerBound), .integer(run.range.upperBound), .text(run.state.name),
        .text(run.state.detail), .instant(run.since),
      ]
    }
    for run in difference.changed {
      add(
        """
        UPDATE gap_ledger SET range_to = $5, state = $6, detail = $7, since = $8
        WHERE venue = $1 AND symbol = $2 AND kind = $3 AND range_from = $4
        """, values(run))
    }
    for run in difference.added {
      add(
        """
        INSERT INTO gap_ledger (venue, symbol, kind, range_from, range_to, state, detail, since)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """, values(run))
    }
  }
}
