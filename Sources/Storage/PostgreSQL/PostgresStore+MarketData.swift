package import Market

extension PostgresStore: MarketDataLog {
  /// Rows that one statement gives.
  private static let marketDataPage = 8192

  package func readMarketData(
    _ series: Series, in range: Range<Timestamp>, _ body: ([MarketDataRecord]) throws -> Void
  ) throws {
    var place = (time: range.lowerBound.firstMillisecond, id: Int64.min)
    let end = range.upperBound.firstMillisecond
    while true {
      let rows = try pool.withConnection {
        try $0.query(
          Self.marketDataSelection,
          [
            .text(series.venue.name), .text(series.symbol.name), .integer(place.time), .integer(end),
            .integer(place.id),
          ])
      }
      guard rows.count > 0 else { return }
      try body(
        try (0..<rows.count).map { row throws(StoreError) in try Self.marketDataRecord(series, rows, row) })
      guard rows.count == Self.marketDataPage else { return }
      place = (try rows.integer(rows.count - 1, 0), try rows.integer(rows.count - 1, 1))
    }
  }

  /// What comes after a time and an id; the first condition on the time lets partitions before it be passed over.
  private static let marketDataSelection = """
    SELECT timestamp, id, price, volume, bid_price, ask_price, source, coalesce(data_type, ''), created_at
    FROM market_data
    WHERE venue = $1 AND symbol = $2 AND timestamp >= $3 AND timestamp < $4 AND (timestamp > $3 OR id > $5)
    ORDER BY timestamp, id LIMIT \(marketDataPage)
    """

  private static func marketDataRecord(
    _ series: Series, _ rows: PostgresRows, _ row: Int
  ) throws(StoreError) -> MarketDataRecord {
    let time = Timestamp(milliseconds: try rows.integer(row, 0))
    return MarketDataRecord(
      row: MarketDataRow(
        series: series, time: time, price: try rows.decimal(row, 2), volume: try rows.optionalDecimal(row, 3),
        bidPrice: try rows.optionalDecimal(row, 4), askPrice: try rows.optionalDecimal(row, 5),
        source: try rows.text(row, 6), dataType: try rows.text(row, 7)),
      knownAt: try rows.optionalTime(row, 8) ?? time)
  }
}
