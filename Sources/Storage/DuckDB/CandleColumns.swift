import Market

/// How candle rows stand in `candle_versions` and in what is selected from it.
enum CandleColumns {
  /// The order in which `record` reads.
  static let selection = """
    open_time, revision, open, high, low, close, volume, quote_volume, trades, taker_buy_base, taker_buy_quote,
    available_at, known_at, provenance, availability_assumed
    """

  /// The order of the table, in which `append` writes.
  static let tableTypes: [ChunkAppender.ColumnType] = [
    .integer, .instant, .integer, .decimal, .decimal, .decimal, .decimal, .decimal, .decimal, .bigint, .decimal,
    .decimal, .instant, .instant, .utinyint, .boolean,
  ]

  /// The columns of a row in an `INSERT`, for `values`. What is absent stands there as such: a statement is planned
  /// anew when a value that it is given turns into null.
  static func placeholders(_ candle: Candle) -> String {
    func place(_ value: (some Any)?) -> String { value == nil ? "NULL" : "?" }
    let amounts = [
      place(candle.volume), place(candle.quoteVolume), place(candle.trades), place(candle.takerBuyBase),
      place(candle.takerBuyQuote),
    ]
    return "(?, ?, ?, ?, ?, ?, ?, \(amounts.joined(separator: ", ")), ?, ?, ?, ?)"
  }

  /// Of the columns that `placeholders` leaves open.
  static func values(_ record: CandleRecord, series: Int32, revision: Int32) -> [SQLValue] {
    let candle = record.candle
    let amounts: [SQLValue?] = [
      candle.volume.map(SQLValue.decimal), candle.quoteVolume.map(SQLValue.decimal),
      candle.trades.map(SQLValue.integer), candle.takerBuyBase.map(SQLValue.decimal),
      candle.takerBuyQuote.map(SQLValue.decimal),
    ]
    return [
      .narrow(series), .instant(candle.openTime), .narrow(revision), .decimal(candle.open), .decimal(candle.high),
      .decimal(candle.low), .decimal(candle.close),
    ] + amounts.compactMap(\.self) + [
      .instant(record.availableAt), .instant(record.knownAt), .byte(record.provenance.rawValue),
      .boolean(record.isAvailabilityAssumed),
    ]
  }

  static func append(
    _ record: CandleRecord, series: Int32, revision: Int32, to appender: ChunkAppender
  ) throws(StoreError) {
    appender.set(0, series)
    appender.set(1, record.candle.openTime)
    appender.set(2, revision)
    appender.set(3, record.candle.open.units)
    appender.set(4, record.candle.high.units)
    appender.set(5, record.candle.low.units)
    appender.set(6, record.candle.close.units)
    appender.set(7, record.candle.volume)
    appender.set(8, record.candle.quoteVolume)
    appender.set(9, optional: record.candle.trades)
    appender.set(10, record.candle.takerBuyBase)
    appender.set(11, record.candle.takerBuyQuote)
    appender.set(12, record.availableAt)
    appender.set(13, record.knownAt)
    appender.set(14, record.provenance.rawValue)
    appender.set(15, record.isAvailabilityAssumed)
    try appender.endRow()
  }
}

/// The columns of one chunk of `CandleColumns.selection`; it must not outlive the chunk.
struct CandleChunk {
  let count: Int
  private let columns: [ResultColumn]

  init(_ chunk: ResultChunk) {
    count = chunk.count
    columns = (0..<15).map(chunk.column)
  }

  func revision(_ row: Int) -> Int32 { columns[1].value(row) }

  func record(_ row: Int) -> CandleRecord {
    CandleRecord(
      candle: Candle(
        openTime: columns[0].time(row), open: price(2, row), high: price(3, row), low: price(4, row),
        close: price(5, row),
        volume: columns[6].decimal(row), quoteVolume: columns[7].decimal(row), trades: columns[8].optional(row),
        takerBuyBase: columns[9].decimal(row), takerBuyQuote: columns[10].decimal(row)),
      availableAt: columns[11].time(row), knownAt: columns[12].time(row),
      provenance: Provenance(rawValue: columns[13].value(row)) ?? .archive,
      isAvailabilityAssumed: columns[14].value(row, as: UInt8.self) != 0)
  }

  private func price(_ column: Int, _ row: Int) -> Decimal8 { columns[column].decimal(row) ?? .zero }
}
