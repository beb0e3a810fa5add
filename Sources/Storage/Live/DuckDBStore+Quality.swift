package import Market

/// The gap ledger and the log of quality events.
extension DuckDBStore {
  package func ledger(_ series: Series, _ kind: LedgerKind) throws -> [LedgerRange] {
    try tables.ledger(series, kind).map.runs.map { LedgerRange(series, kind, $0.range, $0.state, since: $0.since) }
  }

  // MARK: Quality

  package func qualityEvents(
    _ series: Series?, in range: Range<Timestamp>, unresolvedOnly: Bool, limit: Int
  ) throws -> [QualityEvent] {
    let conditions =
      ["created_at >= ?", "created_at < ?"] + (unresolvedOnly ? ["NOT resolved"] : [])
      + (series == nil ? [] : ["venue = ?", "symbol = ?"])
    let result = try session.query(
      """
      SELECT venue, symbol, event_type, created_at, candles_missing, resolved_at, details FROM data_quality_logs
      WHERE \(conditions.joined(separator: " AND "))
      ORDER BY created_at DESC, venue, symbol, event_type LIMIT ?
      """,
      [.instant(range.lowerBound), .instant(range.upperBound)]
        + (series.map { [.text($0.venue.name), .text($0.symbol.name)] } ?? []) + [.integer(Int64(limit))])
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
