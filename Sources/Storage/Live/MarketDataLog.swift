package import Market

/// The trades and quotes of the table `market_data`.
package protocol MarketDataLog: AnyObject {
  /// Calls `body` with batches in the order of time, and of one time in the order in which they were stored.
  func readMarketData(
    _ series: Series, in range: Range<Timestamp>, _ body: ([MarketDataRecord]) throws -> Void) throws
}

/// A row as it is stored: its time has milliseconds.
package struct MarketDataRecord: Hashable, Sendable {
  package var row: MarketDataRow
  /// When it was stored, by the clock of the pipeline that made it.
  package var knownAt: Timestamp

  package init(row: MarketDataRow, knownAt: Timestamp) { (self.row, self.knownAt) = (row, knownAt) }
}
