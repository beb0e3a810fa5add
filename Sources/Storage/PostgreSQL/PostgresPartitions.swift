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
  private var known: [Table: Known] = [:]

  private struct Known {
    let places: Places
    let stamp: Stamp
  }

  /// Of a table's partitions: it changes when any is made or dropped.
  private struct Stamp: Equatable {
    let count: Int64
    let newest: Int64
  }

  init(_ pool: PostgresPool) {
    self.pool = pool
    width = Int64(max(1, pool.limits.partitionDays)) * Timestamp.microsecondsPerDay
  }

  /// Forgets what there was; another process may have dropped some.
  func forget() { known = [:] }

  /// - Parameter pause: called first if any is to be made: a `COPY` into the whole table knows no partition that is made
  ///   while it runs.
  func ensure(
    _ table: Table, for times: some Sequence<Timestamp>, pause: () throws -> Void = {}
  ) throws {
    if known[table] == nil {
      try pause()
      known[table] = try pool.withConnection { try read(table, $0) }
    }
    let lacking = known[table]?.places.lacking(times) ?? []
    guard !lacking.isEmpty else { return }
    try pause()
    try pool.withConnection { connection in
      known[table] = try connection.transaction {
        // The rows are committed later, and no later commit is on the disk without the earlier ones.
        try connection.script(
          """
          SET LOCAL synchronous_commit = off;
          SELECT pg_advisory_xact_lock(\(PostgresMigration.lockSpace), 2)
          """)
        var places = try current(table, connection)
        for time in places.lacking(lacking) {
          if let part = places.add(at: time, width, of: table) { try make(part, of: table, connection) }
        }
        return Known(places: places, stamp: try stamp(of: table, connection))
      }
    }
  }

  /// Where rows of a time go, and the times of all rows that go there too.
  ///
  /// - Parameter time: has a place.
  func part(of table: Table, at time: Timestamp) -> Part {
    known[table]?.places.part(at: time) ?? Part(name: table.rawValue, range: .distantPast..<(.distantFuture))
  }

  private func make(_ part: Part, of table: Table, _ connection: PostgresConnection) throws(StoreError) {
    let (name, range) = (part.name, part.range)
    func bound(_ time: Timestamp) -> String { table.countsMilliseconds ? "\(time.milliseconds)" : "'\(time)'" }
    try connection.script(
      """
      CREATE TABLE \(name) (LIKE \(table.rawValue) INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
      ALTER TABLE \(table.rawValue) ATTACH PARTITION \(name)
        FOR VALUES FROM (\(bound(range.lowerBound))) TO (\(bound(range.upperBound)))
      """)
  }

  /// What is known, unless somebody has made or dropped some since.
  private func current(_ table: Table, _ connection: PostgresConnection) throws(StoreError) -> Places {
    if let known = known[table], try known.stamp == stamp(of: table, connection) { return known.places }
    return try read(table, connection).places
  }

  private func stamp(of table: Table, _ connection: PostgresConnection) throws(StoreError) -> Stamp {
    let rows = try connection.query(
      "SELECT count(*), coalesce(max(inhrelid::bigint), 0) FROM pg_inherits WHERE inhparent = to_regclass($1)",
      [.text(table.rawValue)])
    return Stamp(count: try rows.integer(0, 0), newest: try rows.integer(0, 1))
  }

  private func read(_ table: Table, _ connection: PostgresConnection) throws(StoreError) -> Known {
    // Before the partitions: what changes between the two is seen at the next look.
    let stamp = try stamp(of: table, connection)
    return Known(places: try places(of: table, connection), stamp: stamp)
  }

  private func places(of table: Table, _ connection: PostgresConnection) throws(StoreError) -> Places {
    let type = table.countsMilliseconds ? "BIGINT" : "TIMESTAMPTZ"
    let rows = try connection.query(
      """
      SELECT parent.relkind = 'p',
        substring(pg_get_expr(part.relpartbound, part.oid) FROM 'FROM \\(''([^'']+)''\\) TO')::\(type),
        substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \\(''([^'']+)''\\)$')::\(type),
        part.oid::regclass::text
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
    var parts: [Part] = []
    for row in 0..<rows.count {
      guard let from = try bound(row, 1), let to = try bound(row, 2), from < to else { continue }
      parts.append(Part(name: try rows.text(row, 3), range: from..<to))
    }
    return .partitions(parts.sorted { $0.range.lowerBound < $1.range.lowerBound })
  }

  /// A table of its own, with the rows of a range of times.
  struct Part {
    /// As SQL has it.
    let name: String
    let range: Range<Timestamp>
  }

  /// Where the rows of a table have room.
  enum Places {
    /// The table is whole, or sees to its parts itself.
    case unbounded
    /// In rising order.
    case partitions([Part])

    /// Of rising times, those without a place, one for each run of neighbours at most.
    func lacking(_ times: some Sequence<Timestamp>) -> [Timestamp] {
      guard case .partitions = self else { return [] }
      var lacking: [Timestamp] = []
      var hit: Range<Timestamp>?
      for time in times where hit?.contains(time) != true {
        if let part = part(at: time) { hit = part.range } else { lacking.append(time) }
      }
      return lacking
    }

    func part(at time: Timestamp) -> Part? {
      guard case .partitions(let parts) = self else { return nil }
      let index = Self.index(after: time, parts)
      return index > 0 && parts[index - 1].range.contains(time) ? parts[index - 1] : nil
    }

    /// Adds the chunk of the grid around a time, cut where something stands; `nil` if the time has a place.
    mutating func add(at time: Timestamp, _ width: Int64, of table: Table) -> Part? {
      guard case .partitions(var parts) = self else { return nil }
      let index = Self.index(after: time, parts)
      let before = index > 0 ? parts[index - 1].range.upperBound : .distantPast
      guard before <= time else { return nil }
      let start = time.microseconds.flooredQuotient(width) * width
      let after = index < parts.count ? parts[index].range.lowerBound : .distantFuture
      let range = max(Timestamp(microseconds: start), before)..<min(Timestamp(microseconds: start + width), after)
      let digits = range.lowerBound.description.filter(\.isNumber)
      let name = "\(table.rawValue)_p" + (digits.hasSuffix("000000") ? digits.prefix(8) : digits[...])
      let part = Part(name: name, range: range)
      parts.insert(part, at: index)
      self = .partitions(parts)
      return part
    }

    /// Of the first part that begins after a time.
    private static func index(after time: Timestamp, _ parts: [Part]) -> Int {
      var (low, high) = (0, parts.count)
      while low < high {
        let middle = (low + high) / 2
        if parts[middle].range.lowerBound > time { high = middle } else { low = middle + 1 }
      }
      return low
    }
  }
}
