import Market

/// Each window is read on a connection that is idle then, and given back before anybody sees the rows.
struct PostgresVersionCursor: VersionCursor {
  typealias Reading<Value> = (PostgresConnection) throws -> Value

  private let series: Int32
  private let asOf: Timestamp
  private let end: Timestamp
  private var next: Timestamp
  private let withConnection: (Reading<VersionWindow?>) throws -> VersionWindow?

  init(
    series: Int32, range: Range<Timestamp>, asOf: Timestamp,
    withConnection: @escaping (Reading<VersionWindow?>) throws -> VersionWindow?
  ) {
    (self.series, self.asOf, next, end) = (series, asOf, range.lowerBound, range.upperBound)
    self.withConnection = withConnection
  }

  mutating func skip(to time: Timestamp) { next = max(next, time) }

  mutating func nextWindow() throws -> VersionWindow? {
    guard next < end else { return nil }
    var reached = next
    defer { next = reached }
    return try withConnection { connection in
      while reached < end {
        let window = reached..<min(end, reached.adding(minutes: Self.windowMinutes))
        let found = try Self.versions(connection, of: series, in: window, asOf: asOf)
        reached = window.upperBound
        if !found.isEmpty { return found }
        reached = try firstStored(connection, from: reached) ?? end
      }
      return nil
    }
  }

  /// The newest of each minute, in order.
  static func versions(
    _ connection: PostgresConnection, of series: Int32, in range: Range<Timestamp>, asOf: Timestamp
  ) throws(StoreError) -> VersionWindow {
    var window = VersionWindow(minutes: range.upperBound.minutes(since: range.lowerBound))
    var rows = PostgresCopiedRows(columns: PostgresCandleColumns.selectionNames, path: connection.path)
    // A copy is read while the server makes the rest of it, and takes no parameters.
    try connection.copyOut(
      """
      COPY (
        SELECT \(CandleColumns.selection) FROM candle_versions
        WHERE series = \(series) AND open_time >= \(range.lowerBound.postgresConstant)
          AND open_time < \(range.upperBound.postgresConstant) AND known_at <= \(asOf.postgresConstant)
      ) TO STDOUT (FORMAT binary)
      """
    ) { piece throws(StoreError) in
      try rows.read(piece) { row throws(StoreError) in
        let (record, revision) = try PostgresCandleColumns.version(&row)
        window.append(record, revision: revision)
      }
    }
    window.keepNewest()
    return window
  }

  private func firstStored(_ connection: PostgresConnection, from time: Timestamp) throws(StoreError) -> Timestamp? {
    try connection.query(
      "SELECT min(open_time) FROM candle_versions WHERE series = $1 AND open_time >= $2",
      [.integer(Int64(series)), .instant(time)]
    ).optionalTime(0, 0)
  }
}
