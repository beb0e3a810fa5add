package import Market

/// The gap ledger and the log of quality events.
extension DuckDBStore {
  package func ledger(_ series: Series, _ kind: LedgerKind) throws -> [LedgerRange] {
    try readLedger(series, kind).runs.map { LedgerRange(series, kind, $0.range, $0.state, since: $0.since) }
  }

  func setLedger(_ ranges: [LedgerRange]) throws {
    var before: [LiveMemory.LedgerKey: LedgerMap] = [:]
    for range in ranges {
      let key = LiveMemory.LedgerKey(series: range.series, kind: range.kind)
      let known = memory.ledgers.removeValue(forKey: key)
      var map = try known ?? readLedger(range.series, range.kind)
      if before[key] == nil { before[key] = map }
      map.set(range.range, range.state, since: range.since)
      memory.ledgers[key] = map
    }
    for (key, old) in before {
      guard let new = memory.ledgers[key] else { continue }
      try save(LedgerDifference(from: old, to: new), of: key)
    }
  }

  private func save(_ difference: LedgerDifference, of key: LiveMemory.LedgerKey) throws(StoreError) {
    let identity: [SQLValue] = [
      .text(key.series.venue.name), .text(key.series.symbol.name), .text(key.kind.rawValue),
    ]
    for start in difference.removed {
      try statements.run(
        "DELETE FROM gap_ledger WHERE venue = ? AND symbol = ? AND kind = ? AND range_from = ?",
        identity + [.integer(start)])
    }
    for run in difference.changed {
      try statements.run(
        """
        UPDATE gap_ledger SET range_to = ?, state = ?, detail = ?, since = ?
        WHERE venue = ? AND symbol = ? AND kind = ? AND range_from = ?
        """,
        [
          .integer(run.range.upperBound), .text(run.state.name), .optionalText(run.state.detail), .instant(run.since),
        ] + identity + [.integer(run.range.lowerBound)])
    }
    guard !difference.added.isEmpty else { return }
    let appender = try ChunkAppender(
      session, table: "gap_ledger", [.text, .text, .text, .bigint, .bigint, .text, .text, .instant])
    for run in difference.added {
      appender.set(0, text: key.series.venue.name)
      appender.set(1, text: key.series.symbol.name)
      appender.set(2, text: key.kind.rawValue)
      appender.set(3, run.range.lowerBound)
      appender.set(4, run.range.upperBound)
      appender.set(5, text: run.state.name)
      appender.set(6, optionalText: run.state.detail)
      appender.set(7, run.since)
      try appender.endRow()
    }
    try appender.finish()
  }

  private func readLedger(_ series: Series, _ kind: LedgerKind) throws(StoreError) -> LedgerMap {
    let result = try statements.query(
      """
      SELECT range_from, range_to, state, detail, since FROM gap_ledger
      WHERE venue = ? AND symbol = ? AND kind = ? ORDER BY range_from
      """, [.text(series.venue.name), .text(series.symbol.name), .text(kind.rawValue)])
    var runs: [LedgerMap.Run] = []
    try result.forEachRow { chunk, row throws(StoreError) in
      let from: Int64 = chunk.column(0).value(row)
      let to: Int64 = chunk.column(1).value(row)
      guard from < to, from >= runs.last?.range.upperBound ?? .min,
        let state = LedgerState(name: chunk.column(2).text(row), detail: chunk.column(3).optionalText(row))
      else { throw .corrupt(path: path, reason: "the ledger of \(series) has no proper row at \(kind) \(from)") }
      runs.append(LedgerMap.Run(from..<to, state, since: chunk.column(4).time(row)))
    }
    return LedgerMap(runs)
  }

  // MARK: Quality

  package func qualityEvents(_ series: Series?, unresolvedOnly: Bool, limit: Int) throws -> [QualityEvent] {
    let conditions = (unresolvedOnly ? ["NOT resolved"] : []) + (series == nil ? [] : ["venue = ?", "symbol = ?"])
    let result = try session.query(
      """
      SELECT venue, symbol, event_type, created_at, candles_missing, resolved_at, details FROM data_quality_logs
      \(conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND "))
      ORDER BY created_at DESC, venue, symbol, event_type LIMIT ?
      """,
      (series.map { [.text($0.venue.name), .text($0.symbol.name)] } ?? []) + [.integer(Int64(limit))])
    var events: [QualityEvent] = []
    try result.forEachRow { chunk, row throws(StoreError) in
      guard let venue = Venue(chunk.column(0).text(row)), let symbol = Symbol(chunk.column(1).text(row)) else {
        throw .corrupt(path: path, reason: "a quality event has no proper series")
      }
      events.append(
        QualityEvent(
          series: Series(venue, symbol), type: chunk.column(2).text(row), createdAt: chunk.column(3).time(row),
          candlesMissing: chunk.column(4).optional(row, as: Int64.self).map { Int($0) },
          resolvedAt: chunk.column(5).optionalTime(row), details: chunk.column(6).text(row)))
    }
    return events
  }

  func setQuality(_ events: [QualityEvent]) throws {
    var latest: [QualityKey: QualityEvent] = [:]
    for event in events { latest[QualityKey(event)] = event }
    var added: [QualityEvent] = []
    for event in events {
      guard let newest = latest.removeValue(forKey: QualityKey(event)) else { continue }
      if try replace(newest) == 0 { added.append(newest) }
    }
    guard !added.isEmpty else { return }
    let appender = try ChunkAppender(
      session, table: "data_quality_logs", [.text, .bigint, .boolean, .instant, .text, .text, .text, .instant])
    for event in added {
      appender.set(0, text: event.type)
      appender.set(1, optional: event.candlesMissing.map { Int64($0) })
      appender.set(2, event.resolvedAt != nil)
      appender.set(3, event.createdAt)
      appender.set(4, text: event.details)
      appender.set(5, text: event.series.venue.name)
      appender.set(6, text: event.series.symbol.name)
      appender.set(7, optionalTime: event.resolvedAt)
      try appender.endRow()
    }
    try appender.finish()
  }

  /// Returns how many rows there were to replace.
  private func replace(_ event: QualityEvent) throws(StoreError) -> Int {
    try statements.run(
      """
      UPDATE data_quality_logs SET candles_missing = ?, resolved = ?, details = ?, resolved_at = ?
      WHERE venue = ? AND symbol = ? AND event_type = ? AND created_at = ?
      """,
      [
        .optionalInteger(event.candlesMissing.map { Int64($0) }), .boolean(event.resolvedAt != nil),
        .text(event.details), .optionalInstant(event.resolvedAt), .text(event.series.venue.name),
        .text(event.series.symbol.name), .text(event.type), .instant(event.createdAt),
      ])
  }
}

/// What makes an event one of its kind.
private struct QualityKey: Hashable {
  let series: Series
  let type: String
  let createdAt: Timestamp

  init(_ event: QualityEvent) { (series, type, createdAt) = (event.series, event.type, event.createdAt) }
}
