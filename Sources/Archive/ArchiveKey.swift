package import Market

/// The name of one day of one series: `candles/symbol=BTCUSDT/date=2024-01-17/binance.r0.avro`.
///
/// Tools that know partitioned folders take `symbol` and `date` for columns. What differs from the newest revision of a
/// day becomes the next one.
package struct ArchiveKey: Hashable, Sendable {
  package let dataset: ArchiveDataset
  package let series: Series
  /// Days since 1970 in UTC.
  package let day: Int64
  package var revision: Int

  package init(_ dataset: ArchiveDataset, _ series: Series, day: Int64, revision: Int = 0) {
    (self.dataset, self.series, self.day, self.revision) = (dataset, series, day, revision)
  }

  package static let ending = ".avro"
  package static let checksumEnding = ".sha256"

  package var date: String { CivilDate(day: day).description }

  package var range: Range<Timestamp> {
    let start = Timestamp(microseconds: day * Timestamp.microsecondsPerDay)
    return start..<start.adding(microseconds: Timestamp.microsecondsPerDay)
  }

  package var path: String { "\(Self.folder(dataset, series))date=\(date)/\(series.venue).r\(revision)\(Self.ending)" }

  package var checksumPath: String { path + Self.checksumEnding }

  /// What the keys of a series begin with.
  static func folder(_ dataset: ArchiveDataset, _ series: Series) -> String {
    // A slash would be a folder of its own.
    "\(dataset.rawValue)/symbol=\(series.symbol.name.replacing("/", with: "%2F"))/"
  }
}

/// What a key says of one day and venue, whatever stands before.
struct ArchiveName: Hashable {
  /// Everything before the name of the venue.
  let folder: Substring
  let venue: Substring
  let revision: Int

  /// `nil` for a file of another name.
  init?(_ key: String) {
    let slash = key.lastIndex(of: "/").map { key.index(after: $0) } ?? key.startIndex
    let parts = key[slash...].split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2] == "avro", parts[1].first == "r", !parts[0].isEmpty,
      let revision = Int(parts[1].dropFirst()), revision >= 0, parts[1].dropFirst() == "\(revision)"
    else { return nil }
    (folder, venue, self.revision) = (key[..<slash], parts[0], revision)
  }
}
