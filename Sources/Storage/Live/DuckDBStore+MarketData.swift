package import Market

extension DuckDBStore: MarketDataLog {
  package func readMarketData(
    _ series: Series, in range: Range<Timestamp>, _ body: ([MarketDataRecord]) throws -> Void
  ) throws {
    let result = try session.query(
      """
      SELECT timestamp, price, volume, bid_price, ask_price, source, coalesce(data_type, ''), epoch_us(created_at)
      FROM market_data WHERE venue = ? AND symbol = ? AND timestamp >= ? AND timestamp < ? ORDER BY timestamp, id
      """,
      [
        .text(series.venue.name), .text(series.symbol.name), .integer(range.lowerBound.firstMillisecond),
        .integer(range.upperBound.firstMillisecond),
      ])
    while let batch = try result.next({ chunk throws(StoreError) in
      try (0..<chunk.count).map { row throws(StoreError) in try record(series, chunk, row) }
    }) {
      try body(batch)
    }
  }

  private func record(_ series: Series, _ chunk: ResultChunk, _ row: Int) throws(StoreError) -> MarketDataRecord {
    let time = Timestamp(milliseconds: chunk.column(0).value(row))
    guard let price = chunk.column(1).decimal(row) else {
      throw .corrupt(path: path, reason: "a row of market_data at \(time) has no price")
    }
    let known: Int64? = chunk.column(7).optional(row)
    return MarketDataRecord(
      row: MarketDataRow(
        series: series, time: time, price: price, volume: chunk.column(2).decimal(row),
        bidPrice: chunk.column(3).decimal(row), askPrice: chunk.column(4).decimal(row),
        source: chunk.column(5).text(row), dataType: chunk.column(6).text(row)),
      knownAt: known.map { Timestamp(microseconds: $0) } ?? time)
  }
}

extension Timestamp {
  /// The first whole millisecond that is not before it.
  var firstMillisecond: Int64 {
    let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1000)
    return rest > 0 ? whole + 1 : whole
  }
}
