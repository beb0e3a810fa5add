package import Market

/// Candles of many series with all their versions.
///
/// A version that differs from the stored one is kept as a revision; nothing is overwritten, so what was stored at an
/// earlier time can be read again.
package protocol CandleStore: AnyObject {
  /// Every series, from its summary: no scan.
  func status() throws -> [SeriesSummary]

  func summary(of series: Series) throws -> SeriesSummary?

  /// Calls `body` with batches in open-time order: of each minute in `range` the newest version stored by `asOf`.
  func readCandles(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([CandleRecord]) throws -> Void) throws

  /// Every version, first one included, of the minutes in `range` that were revised, by open time and revision.
  func revisions(_ series: Series, in range: Range<Timestamp>, asOf: Timestamp) throws -> [CandleRevision]

  /// Stores batches until `next` gives `nil`, all in one transaction: an error from either side leaves no trace.
  ///
  /// The candles must come in strictly rising open-time order. A row that says nothing new changes nothing.
  func write(to series: Series, stamp: WriteStamp, next: () throws -> [Candle]?) throws -> WriteCounts

  /// A table with the columns of a candle file, eight decimals; `.csv` or `.parquet` by the path's ending.
  func exportCandles(_ series: Series, in range: Range<Timestamp>, asOf: Timestamp, to path: String) throws -> Int
}

extension CandleStore {
  package func candles(
    _ series: Series, in range: Range<Timestamp> = .all, asOf: Timestamp = .distantFuture
  ) throws -> [CandleRecord] {
    var result: [CandleRecord] = []
    try readCandles(series, in: range, asOf: asOf) { result += $0 }
    return result
  }

  /// Holes and quiet runs between the first and the last candle in `range`.
  package func gaps(
    _ series: Series, in range: Range<Timestamp> = .all, asOf: Timestamp = .distantFuture
  ) throws -> GapReport {
    var scan = GapScan()
    try readCandles(series, in: range, asOf: asOf) { batch in
      for record in batch { scan.step(record.candle) }
    }
    return scan.finish()
  }
}

extension Range<Timestamp> {
  package static let all = Timestamp.distantPast..<Timestamp.distantFuture
}

/// What is stored of one series.
package struct SeriesSummary: Hashable, Sendable {
  package let series: Series
  /// Minutes, whatever the number of their versions.
  package let rows: Int
  package let firstOpenTime: Timestamp
  package let lastOpenTime: Timestamp
  /// Versions beyond each minute's first.
  package let revisions: Int

  package init(series: Series, rows: Int, firstOpenTime: Timestamp, lastOpenTime: Timestamp, revisions: Int) {
    (self.series, self.rows, self.revisions) = (series, rows, revisions)
    (self.firstOpenTime, self.lastOpenTime) = (firstOpenTime, lastOpenTime)
  }
}

/// One version of a candle; 0 is the first.
package struct CandleRevision: Hashable, Sendable {
  package let record: CandleRecord
  package let revision: Int

  package init(record: CandleRecord, revision: Int) { (self.record, self.revision) = (record, revision) }
}

/// What rows written together have in common.
package struct WriteStamp: Hashable, Sendable {
  /// When a live reader could have had the rows. A revision is never available before it is stored.
  package enum Availability: Hashable, Sendable {
    case assumed(delayMicroseconds: Int64)
    case onArrival
  }

  package let knownAt: Timestamp
  package let provenance: Provenance
  package let availability: Availability

  package init(knownAt: Timestamp, provenance: Provenance, availability: Availability) {
    (self.knownAt, self.provenance, self.availability) = (knownAt, provenance, availability)
  }

  package func record(_ candle: Candle, isRevision: Bool) -> CandleRecord {
    var record = CandleRecord(
      candle: candle, availableAt: knownAt, knownAt: knownAt, provenance: provenance, isAvailabilityAssumed: false)
    if case .assumed(let delay) = availability, !isRevision {
      record.availableAt = candle.closeTime.adding(microseconds: delay)
      record.isAvailabilityAssumed = true
    }
    return record
  }
}

package struct WriteCounts: Hashable, Sendable {
  package var new = 0
  package var unchanged = 0
  package var revised = 0

  package init(new: Int = 0, unchanged: Int = 0, revised: Int = 0) {
    (self.new, self.unchanged, self.revised) = (new, unchanged, revised)
  }
}

extension Candle {
  /// `other` knows nothing that differs. What a source does not have contradicts nothing.
  package func covers(_ other: Candle) -> Bool {
    func agrees<Value: Equatable>(_ mine: Value?, _ theirs: Value?) -> Bool { theirs == nil || mine == theirs }
    return open == other.open && high == other.high && low == other.low && close == other.close
      && agrees(volume, other.volume) && agrees(quoteVolume, other.quoteVolume) && agrees(trades, other.trades)
      && agrees(takerBuyBase, other.takerBuyBase) && agrees(takerBuyQuote, other.takerBuyQuote)
  }
}
