import Market

/// Makes the partitions that rows need, in steps of their own that are committed before the rows are written.
///
/// A new partition is attached, which neither readers nor writers wait for.
final class PostgresPartitions {
  enum Table: String, CaseIterable {
    case candles = "candle_versions"
    case predictions
    case oracleTicks = "oracle_ticks"
    case oracleMinutes = "oracle_minutes"
    case marketData = "market_data"
    case quality = "data_quality_logs"

    /// `market_data` counts milliseconds since 1970.
    fileprivate var countsMilliseconds: Bool { self == .marketData }
  }

  private let pool: PostgresPool
  private let width: Int64
  /// In rising order; `nil` for a table that makes its own partitions or has none.
  private var known: [Table: [Range<Timestamp>]?] = [:]

  init(_ pool: PostgresPool) {
    self.pool = pool
    width = Int64(max(1, pool.limits.chunkDays)) * Timestamp.microsecondsPerDay
  }

  /// Forgets what there was; another process may have dropped some.
  func forget() { known = [:] }

  func covers(_ table: Table, _ times: ClosedRange<Timestamp>) -> Bool {
    guard let entry = known[table] else { return false }
    return entry.map { Self.missing(of: times, in: $0, width).isEmpty } ?? true
  }

  func ensure(_ table: Table, for times: ClosedRange<Timestamp>) throws {
    guard !covers(table, times) else { return }
    try pool.withConnection { connection in
      if known[table] == nil {
        known[table] = try read(table, connection)
        if covers(table, times) { return }
      }
      try connection.transaction {
        try connection.script("SELECT pg_advisory_xact_lock(\(PostgresMigration.lockSpace), 2)")
        guard let now = try read(table, connection) else { return }
        for range in Self.missing(of: times, in: now, width) { try make(table, range, connection) }
      }
      known[table] = try read(table, connection)
    }
  }

  private func make(_ table: Table, _ range: Range<Timestamp>, _ connection: PostgresConnection) throws(StoreError) {
    let day = CivilDate(day: range.lowerBound.day)
    let name = "\(table.rawValue)_p" + day.description.filter { $0 != "-" }
    func bound(_ time: Timestamp) -> String {
      table.countsMilliseconds ? "\(time.milliseconds)" : "'\(CivilDate(day: time.day)) 00:00:00+00'"
    }
    try connection.script(
      """
      CREATE TABLE \(name) (LIKE \(table.rawValue) INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
      ALTER TABLE \(table.rawValue) ATTACH PARTITION \(name)
        FOR VALUES FROM (\(bound(range.lowerBound))) TO (\(bound(range.upperBound)))
      """)
  }

  /// `nil` if the table is not partitioned by PostgreSQL itself.
  private func read(_ table: Table, _ connection: PostgresConnection) throws(StoreError) -> [Range<Timestamp>]? {
    let rows = try connection.query(
      """
      SELECT parent.relkind = 'p',
        substring(pg_get_expr(part.relpartbound, part.oid) FROM 'FROM \\(''([^'']+)''\\) TO'),
        substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \\(''([^'']+)''\\)$')
      FROM pg_class parent
      LEFT JOIN pg_inherits ON inhparent = parent.oid LEFT JOIN pg_class part ON part.oid = inhrelid
      WHERE parent.oid = to_regclass($1)
      """, [.text(table.rawValue)])
    guard rows.count > 0 else {
      throw .corrupt(path: connection.path, reason: "the table \(table.rawValue) is gone")
    }
    guard try rows.boolean(0, 0) else { return nil }
    var ranges: [Range<Timestamp>] = []
    for row in 0..<rows.count {
      guard let from = rows.optionalText(row, 1).flatMap({ Self.time($0, table) }),
        let to = rows.optionalText(row, 2).flatMap({ Self.time($0, table) }), from < to
      else { continue }
      ranges.append(from..<to)
    }
    return ranges.sorted { $0.lowerBound < $1.lowerBound }
  }

  private static func time(_ text: String, _ table: Table) -> Timestamp? {
    table.countsMilliseconds ? Int64(text).map { Timestamp(milliseconds: $0) } : Timestamp(text)
  }

  /// What has to be made so that each of `times` has a place, in chunks of the grid, cut where something stands.
  static func missing(of times: ClosedRange<Timestamp>, in known: [Range<Timestamp>], _ width: Int64) -> [Range<Timestamp>] {
    var missing: [Range<Timestamp>] = []
    var next = times.lowerBound
    var index = known.firstIndex { $0.upperBound > next } ?? known.endIndex
    while next <= times.upperBound {
      if index < known.endIndex, known[index].contains(next) {
        next = known[index].upperBound
        index += 1
        continue
      }
      let start = next.microseconds.flooredQuotient(width) * width
      let before = index > known.startIndex ? known[index - 1].upperBound : .distantPast
      let after = index < known.endIndex ? known[index].lowerBound : .distantFuture
      let chunk = max(Timestamp(microseconds: start), before)..<min(Timestamp(microseconds: start + width), after)
      missing.append(chunk)
      next = chunk.upperBound
    }
    return missing
  }
}
