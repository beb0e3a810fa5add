import Market

/// How candle rows stand in `candle_versions`.
enum PostgresCandleColumns {
  static let names = """
    series, open_time, revision, open, high, low, close, volume, quote_volume, trades, taker_buy_base, taker_buy_quote,
    available_at, known_at, provenance, availability_assumed
    """
  static let count = 16
  static let table = "candle_versions (\(names))"

  static let insertion =
    "INSERT INTO \(table) VALUES (" + (1...count).map { "$\($0)" }.joined(separator: ", ") + ")"

  /// Without its series, which stands before it in the table.
  static func put(_ record: CandleRecord, revision: Int32, into buffer: inout PostgresBuffer) {
    let candle = record.candle
    buffer.put(field: candle.openTime)
    buffer.put(field: revision)
    buffer.put(field: candle.open)
    buffer.put(field: candle.high)
    buffer.put(field: candle.low)
    buffer.put(field: candle.close)
    buffer.put(field: candle.volume)
    buffer.put(field: candle.quoteVolume)
    buffer.put(field: candle.trades)
    buffer.put(field: candle.takerBuyBase)
    buffer.put(field: candle.takerBuyQuote)
    buffer.put(field: record.availableAt)
    buffer.put(field: record.knownAt)
    buffer.put(field: Int16(record.provenance.rawValue))
    buffer.put(field: record.isAvailabilityAssumed)
  }

  static func values(_ record: CandleRecord, series: Int32, revision: Int32) -> [PostgresValue] {
    let candle = record.candle
    return [
      .integer(Int64(series)), .instant(candle.openTime), .integer(Int64(revision)), .decimal(candle.open),
      .decimal(candle.high), .decimal(candle.low), .decimal(candle.close), .decimal(candle.volume),
      .decimal(candle.quoteVolume), .integer(candle.trades), .decimal(candle.takerBuyBase),
      .decimal(candle.takerBuyQuote), .instant(record.availableAt), .instant(record.knownAt),
      .integer(Int64(record.provenance.rawValue)), .boolean(record.isAvailabilityAssumed),
    ]
  }

  /// A row of `CandleColumns.selection`.
  static func record(_ rows: PostgresRows, _ row: Int) throws(StoreError) -> CandleRecord {
    let candle = Candle(
      openTime: try rows.time(row, 0), open: try rows.decimal(row, 2), high: try rows.decimal(row, 3),
      low: try rows.decimal(row, 4), close: try rows.decimal(row, 5), volume: try rows.optionalDecimal(row, 6),
      quoteVolume: try rows.optionalDecimal(row, 7), trades: try rows.optionalInteger(row, 8),
      takerBuyBase: try rows.optionalDecimal(row, 9), takerBuyQuote: try rows.optionalDecimal(row, 10))
    return CandleRecord(
      candle: candle, availableAt: try rows.time(row, 11), knownAt: try rows.time(row, 12),
      provenance: UInt8(exactly: try rows.integer(row, 13)).flatMap(Provenance.init) ?? .archive,
      isAvailabilityAssumed: try rows.boolean(row, 14))
  }

  static let selectionNames = CandleColumns.selection.split { $0 == "," || $0.isWhitespace }.map { String($0) }

  /// A row of `CandleColumns.selection`.
  static func version(_ row: inout PostgresCopiedRow) throws(StoreError) -> (CandleRecord, revision: Int32) {
    let openTime = try row.time()
    let revision = try row.value(Int32.self)
    let candle = Candle(
      openTime: openTime, open: try row.decimal(), high: try row.decimal(), low: try row.decimal(),
      close: try row.decimal(), volume: try row.optionalDecimal(), quoteVolume: try row.optionalDecimal(),
      trades: try row.optional(Int64.self), takerBuyBase: try row.optionalDecimal(),
      takerBuyQuote: try row.optionalDecimal())
    let record = CandleRecord(
      candle: candle, availableAt: try row.time(), knownAt: try row.time(),
      provenance: UInt8(exactly: try row.value(Int16.self)).flatMap(Provenance.init) ?? .archive,
      isAvailabilityAssumed: try row.value(UInt8.self) != 0)
    return (record, revision)
  }

  static func revision(_ rows: PostgresRows, _ row: Int) throws(StoreError) -> Int32 {
    Int32(clamping: try rows.integer(row, 1))
  }
}
