import Market

/// Walks the newest versions of a series in order, a window of minutes at a time, so that memory stays bounded.
protocol VersionCursor {
  /// Leaves out what is before a time.
  mutating func skip(to time: Timestamp)

  /// The next window that has any rows; `nil` at the end.
  mutating func nextWindow() throws -> VersionWindow?
}

extension VersionCursor {
  static var windowMinutes: Int { 15 * 1440 }
}
