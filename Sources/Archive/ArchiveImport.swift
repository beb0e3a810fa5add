package import Market
package import Storage

/// Takes one file of an archive into a store. Candles are taken whole or not at all; trades and predictions that are
/// stored already stay as they are, so a repeated import adds what is missing.
package struct ArchiveImport: Sendable {
  /// Of files that do not name their own.
  package var series: Series
  /// The time of the import.
  package var knownAt: Timestamp
  /// Bad rows are left out, counted and listed instead of ending the import of the file.
  package var skipsBadRows: Bool
  /// Between a candle's close and the moment a live reader would have had it.
  package var availabilityDelayMicroseconds: Int64

  package init(
    series: Series, knownAt: Timestamp, skipsBadRows: Bool = false, availabilityDelayMicroseconds: Int64 = 2_000_000
  ) {
    (self.series, self.knownAt, self.skipsBadRows) = (series, knownAt, skipsBadRows)
    self.availabilityDelayMicroseconds = availabilityDelayMicroseconds
  }

  /// - Parameters:
  ///   - name: what errors and the report call the file.
  ///   - progress: gets the rows read; what it throws ends the import.
  package func run(
    _ path: String, name: String, into store: any Store, progress: (Int) throws -> Void = { _ in }
  ) throws -> ArchiveReport {
    let dataset = try dataset(path, name)
    let reader = try AvroReader(path: path, name: name, as: dataset.schema)
    let rows = ArchiveRows(reader, skipsBadRows: skipsBadRows)
    switch dataset {
    case .candles: return try candles(rows, into: store, progress)
    case .trades: return try trades(rows, into: store, progress)
    case .predictions: return try predictions(rows, into: store, progress)
    }
  }

  private func dataset(_ path: String, _ name: String) throws(ArchiveError) -> ArchiveDataset {
    do throws(AvroError) {
      guard let dataset = ArchiveDataset(try AvroReader(path: path, name: name)) else {
        throw AvroError.otherSchema(file: name, reason: "neither candles, nor trades, nor predictions")
      }
      return dataset
    } catch .otherSchema {
      throw .unknownContent(file: name)
    } catch {
      throw .avro(error)
    }
  }

  // MARK: Candles

  private func candles(
    _ rows: ArchiveRows, into store: any Store, _ progress: (Int) throws -> Void
  ) throws -> ArchiveReport {
    var sieve = CandleOrder()
    let fallback = series
    func batch() throws -> [Candle]? {
      try rows.next { value throws(BadRecord) in
        let (series, candle) = try CandleArchive.candle(value, else: fallback)
        try sieve.check(series, candle)
        return candle
      }
    }
    var waiting = try batch()
    let found = sieve.series ?? series
    guard waiting != nil else { return ArchiveReport(rows, .candles, found, WriteCounts()) }
    let stamp = WriteStamp(
      knownAt: knownAt, provenance: .archive,
      availability: .assumed(delayMicroseconds: availabilityDelayMicroseconds))
    let counts = try store.write(to: found, stamp: stamp) {
      defer { waiting = nil }
      let candles = try waiting ?? batch()
      try progress(rows.read)
      return candles
    }
    return ArchiveReport(rows, .candles, found, counts, range: sieve.range)
  }

  // MARK: Trades

  private func trades(
    _ rows: ArchiveRows, into store: any Store, _ progress: (Int) throws -> Void
  ) throws -> ArchiveReport {
    var merge = MarketDataMerge(store)
    let (fallback, knownAt) = (series, knownAt)
    while let batch = try rows.next({ value throws(BadRecord) in
      try MarketDataArchive.record(value, else: fallback, knownAt: knownAt)
    }) {
      for record in batch { try merge.add(record, file: rows.name, row: rows.read) }
      try progress(rows.read)
    }
    try merge.finish()
    return ArchiveReport(rows, .trades, merge.series ?? series, merge.counts)
  }

  // MARK: Predictions

  private func predictions(
    _ rows: ArchiveRows, into store: any Store, _ progress: (Int) throws -> Void
  ) throws -> ArchiveReport {
    var (counts, found): (WriteCounts, Series?) = (WriteCounts(), nil)
    while let batch = try rows.next({ value throws(BadRecord) in try PredictionArchive.prediction(value) }) {
      let new = try store.insert(batch)
      counts.new += new
      counts.unchanged += batch.count - new
      found = found ?? batch.first?.view.price
      try progress(rows.read)
    }
    return ArchiveReport(rows, .predictions, found ?? series, counts)
  }
}

/// What the import of one file did. `rows` = new + unchanged + revised + skipped.
package struct ArchiveReport: Hashable, Sendable {
  package let file: String
  package let dataset: ArchiveDataset
  package let series: Series
  package let rows: Int
  package let counts: WriteCounts
  /// From the first candle's open to the last one's close; `nil` without candles.
  package let range: Range<Timestamp>?
  package let skipped: Int
  /// The first hundred of the skipped rows.
  package let badRows: [String]

  init(
    _ rows: ArchiveRows, _ dataset: ArchiveDataset, _ series: Series, _ counts: WriteCounts,
    range: Range<Timestamp>? = nil
  ) {
    (file, self.dataset, self.series, self.counts, self.range) = (rows.name, dataset, series, counts, range)
    (self.rows, skipped, badRows) = (rows.read, rows.skipped, rows.badRows)
  }
}

/// Candles of one series in strictly rising order.
private struct CandleOrder {
  private(set) var series: Series?
  private(set) var range: Range<Timestamp>?

  mutating func check(_ series: Series, _ candle: Candle) throws(BadRecord) {
    guard series == self.series ?? series else {
      throw BadRecord(reason: "is of \(series), but the file began with \(self.series ?? series)")
    }
    guard candle.openTime >= range?.upperBound ?? .distantPast else {
      throw BadRecord(reason: "open_time \(candle.openTime) does not rise")
    }
    (self.series, range) = (series, (range?.lowerBound ?? candle.openTime)..<candle.closeTime)
  }
}
