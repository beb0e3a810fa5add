import Market

struct PostgresVersionCursor: VersionCursor {
  typealias Reading = (PostgresConnection) throws -> VersionWindow?

  private let series: Int32
  private let asOf: Timestamp
  private let end: Timestamp
  private var next: Timestamp
  private let readsAhead: Bool
  /// Of one window: what is on its way should have room between the server and here.
  private let minutes: Int
  private var hasBegun = false
  /// What is on its way already.
  private var asked: Range<Timestamp>?
  private let withConnection: (Reading) throws -> VersionWindow?

  /// Each window is read on a connection that is idle then, and given back before anybody sees the rows.
  init(
    series: Int32, range: Range<Timestamp>, asOf: Timestamp,
    withConnection: @escaping (Reading) throws -> VersionWindow?
  ) {
    (self.series, self.asOf, next, end) = (series, asOf, range.lowerBound, range.upperBound)
    (self.withConnection, readsAhead, minutes) = (withConnection, false, Self.windowMinutes)
  }

  /// On a connection that does nothing else meanwhile: from the second window on the next one is on its way while the
  /// rows of the last are seen to.
  init(series: Int32, range: Range<Timestamp>, asOf: Timestamp, on connection: PostgresConnection) {
    (self.series, self.asOf, next, end) = (series, asOf, range.lowerBound, range.upperBound)
    (withConnection, readsAhead, minutes) = ({ try $0(connection) }, true, 1440)
  }

  mutating func skip(to time: Timestamp) { next = max(next, time) }

  mutating func nextWindow() throws -> VersionWindow? {
    guard next < end else { return nil }
    return try withConnection { connection in
      while next < end {
        let found = try window(connection)
        if !found.isEmpty { return found }
        next = try firstStored(connection) ?? end
      }
      return nil
    }
  }

  /// The window from `next` on, which is moved to its end.
  private mutating func window(_ connection: PostgresConnection) throws(StoreError) -> VersionWindow {
    if let asked, !asked.contains(next) {
      try connection.takeCopy { _ in }
      self.asked = nil
    }
    let range = if let asked { asked } else { try ask(connection) }
    asked = nil
    let found = try connection.takeVersions(in: range)
    next = range.upperBound
    if readsAhead, hasBegun, !found.isEmpty, next < end { asked = try ask(connection) }
    hasBegun = true
    return found
  }

  private func ask(_ connection: PostgresConnection) throws(StoreError) -> Range<Timestamp> {
    let range = next..<min(end, next.adding(minutes: minutes))
    try connection.askForVersions(of: series, in: range, asOf: asOf)
    return range
  }

  private func firstStored(_ connection: PostgresConnection) throws(StoreError) -> Timestamp? {
    try connection.query(
      "SELECT min(open_time) FROM candle_versions WHERE series = $1 AND open_time >= $2",
      [.integer(Int64(series)), .instant(next)]
    ).optionalTime(0, 0)
  }
}
