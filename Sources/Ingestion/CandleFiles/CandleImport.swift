import Compression
package import Market
package import Storage

/// Brings files of candles into a store, each whole or not at all.
package struct CandleImport: Sendable {
  /// Between a candle's close and the moment a live reader would have had it.
  package static let defaultDelayMicroseconds: Int64 = 2_000_000

  package var series: Series
  /// The time of the import.
  package var knownAt: Timestamp
  package var policy: BadRowPolicy
  package var availabilityDelayMicroseconds: Int64

  package init(
    series: Series, knownAt: Timestamp, policy: BadRowPolicy = .reject,
    availabilityDelayMicroseconds: Int64 = defaultDelayMicroseconds
  ) {
    (self.series, self.knownAt, self.policy) = (series, knownAt, policy)
    self.availabilityDelayMicroseconds = availabilityDelayMicroseconds
  }

  /// Errors are `ImportError`, or what `progress` throws to stop; either way the store is as before.
  package func run(
    _ path: String, into store: any CandleStore, progress: (ImportProgress) throws -> Void = { _ in }
  ) throws -> ImportReport {
    try Checksum.verify(path)
    return try run(CandleFileReader(path: path, policy: policy), into: store, progress: progress)
  }

  /// As above, of what `reader` gives; its own policy for bad rows decides.
  package func run(
    _ reader: CandleFileReader, into store: any CandleStore, progress: (ImportProgress) throws -> Void = { _ in }
  ) throws -> ImportReport {
    let stamp = WriteStamp(
      knownAt: knownAt, provenance: .archive,
      availability: .assumed(delayMicroseconds: availabilityDelayMicroseconds))
    var range: Range<Timestamp>?
    do {
      let counts = try store.write(to: series, stamp: stamp) {
        let candles = try reader.next()
        try progress(reader.progress)
        if let first = candles?.first, let last = candles?.last {
          range = (range?.lowerBound ?? first.openTime)..<last.closeTime
        }
        return candles
      }
      return ImportReport(
        file: reader.name, rowsRead: reader.rowsRead, counts: counts, skipped: reader.skipped, badRows: reader.badRows,
        rounded: reader.rounded, range: range)
    } catch let error as StoreError {
      throw ImportError.storing(error)
    }
  }
}

package struct ImportProgress: Hashable, Sendable {
  package let rows: Int
  /// Of the file as it lies on disk; both 0 where they are not known.
  package let bytesRead: Int
  package let bytesTotal: Int
}

/// What an import of one file did. `rowsRead` = new + unchanged + revised + skipped.
package struct ImportReport: Hashable, Sendable {
  package let file: String
  package let rowsRead: Int
  package let counts: WriteCounts
  package let skipped: Int
  /// The first hundred of the skipped rows.
  package let badRows: [BadRow]
  /// Candles of a text whose volumes had more than eight decimals and were rounded; prices never are.
  package let rounded: Int
  /// From the first candle's open to the last one's close; `nil` without any.
  package let range: Range<Timestamp>?
}
