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
    case features = "feature_cache"

    /// The time that tells the partition.
    var column: String {
      switch self {
      case .candles, .oracleMinutes: "open_time"
      case .predictions, .features: "time"
      case .oracleTicks: "observed_at"
      case .marketData: "timestamp"
      case .quality: "created_at"
      }
    }

    /// `market_data` counts milliseconds since 1970.
    var countsMilliseconds: Bool { self == .marketData }
  }

  private let pool: PostgresPool
  private let width: Int64
  private var known: [Table: Places] = [:]

  init(_ pool: PostgresPool) {
    self.pool = pool
    width = Int64(max(1, pool.limits.chunkDays)) * Timestamp.microsecondsPerDay
  }

  /// Forgets what there was; another process may have dropped some.
  func forget() { known = [:] }

  /// - Parameter pause: called first if any is to be made; the connection that writes must not be in the middle of a
  ///   statement then.
  func ensure(
    _ table: Table, for times: some Sequence<Timestamp>, pause: () throws -> Void = {}
  ) throws {
    if known[table] == nil {
      try pause()
      known[table] = try pool.withConnection { try read(table, $0) }
    }
    let lacking = known[table]?.lacking(times) ?? []
    guard !lacking.isEmpty else { return }
    try pause()
    try pool.withConnection { connection in
      known[table] = try connection.transaction {
        // The rows are committed later, and no later commit is on the disk without the earlier ones.
        try connection.script("SET LOCAL synchronous_commit = off")
        try connection.script("SELECT pg_advisory_xact_lock(\(PostgresMigration.lockSpace), 2)")
        var places = try read(table, connection)
        for time in places.lacking(lacking) {
          if let chunk = places.add(at: time, width) { try make(table, chunk, connection) }
        }
        return places
      }
    }
  }

  private func make(_ table: Table, _ range: Range<Timestamp>, _ connection: PostgresConnection) throws(StoreError) {
    let digits = range.lowerBound.description.filter(\.isNumber)
    let name = "\(table.rawValue)_p" + (digits.hasSuffix("000000") ? digits.prefix(8) : digits[...])
    func bound(_ time: Timestamp) -> String { table.countsMilliseconds ? "\(time.milliseconds)" : "'\(time)'" }
    try connection.script(
      """
      CREATE TABLE \(name) (LIKE \(table.rawValue) INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
      ALTER TABLE \(table.rawValue) ATTACH PARTITION \(name)
        FOR VALUES FROM (\(bound(range.lowerBound))) TO (\(bound(range.upperBound)))
      """)
  }

  private func read(_ table: Table, _ connection: PostgresConnection) throws(StoreError) -> Places {
    let type = table.countsMilliseconds ? "BIGINT" : "TIMESTAMPTZ"
    let rows = try connection.query(
      """
      SELECT parent.relkind = 'p',
        substring(pg_get_expr(part.relpartbound, part.oid) FROM 'FROM \\(''([^'']+)''\\) TO')::\(type),
        substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \\(''([^'']+)''\\)$')::\(type)
      FROM pg_class parent
      LEFT JOIN pg_inherits ON inhparent = parent.oid LEFT JOIN pg_class part ON part.oid = inhrelid
      WHERE parent.oid = to_regclass($1)
      """, [.text(table.rawValue)])
    guard rows.count > 0 else {
      throw .corrupt(path: connection.path, reason: "the table \(table.rawValue) is gone")
    }
    guard try rows.boolean(0, 0) else { return .unbounded }
    func bound(_ row: Int, _ column: Int) throws(StoreError) -> Timestamp? {
      guard table.countsMilliseconds else { return try rows.optionalTime(row, column) }
      return try rows.optionalInteger(row, column).map { Timestamp(milliseconds: $0) }
    }
    var ranges: [Range<Timestamp>] = []
    for row in 0..<rows.count {
      guard let from = try bound(row, 1), let to = try bound(row, 2), from < to else { continue }
      ranges.append(from..<to)
    }
    return .partitions(ranges.sorted { $0.lowerBound < $1.lowerBound })
  }

  /// Where the rows of a table have room.
  enum Places {
    /// The table is whole, or sees to its parts itself.
    case unbounded
    /// In rising order.
    case partitions([Range<Timestamp>])

    /// Of rising times, those without a place, one for each run of neighbours at most.
    func lacking(_ times: some Sequence<Timestamp>) -> [Timestamp] {
      guard case .partitions(let ranges) = self else { return [] }
      var lacking: [Timestamp] = []
      var hit: Range<Timestamp>?
      for time in times where hit?.contains(time) != true {
        let index = Self.index(after: time, ranges)
        if index > 0, ranges[index - 1].contains(time) { hit = ranges[index - 1] } else { lacking.append(time) }
      }
      return lacking
    }

    /// Adds the chunk of the grid around a time, cut where something stands; `nil` if the time has a place.
    mutating func add(at time: Timestamp, _ width: Int64) -> Range<Timestamp>? {
      guard case .partitions(var ranges) = self else { return nil }
      let index = Self.index(after: time, ranges)
      let before = index > 0 ? ranges[index - 1].upperBound : .distantPast
      guard before <= time else { return nil }
      let start = time.microseconds.flooredQuotient(width) * width
      let after = index < ranges.count ? ranges[index].lowerBound : .distantFuture
      let chunk = max(Timestamp(microseconds: start), before)..<min(Timestamp(microseconds: start + width), after)
      ranges.insert(chunk, at: index)
      self = .partitions(ranges)
      return chunk
    }

    /// Of the first range that begins after a time.
    private static func index(after time: Timestamp, _ ranges: [Range<Timestamp>]) -> Int {
      var (low, high) = (0, ranges.count)
      while low < high {
        let middle = (low + high) / 2
        if ranges[middle].lowerBound > time { high = middle } else { low = middle + 1 }
      }
      return low
    }
  }
}
