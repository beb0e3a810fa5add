import Market

/// Candles as an archive holds them: what was traded, and nothing of how it came to us, so that two stores with the same
/// candles make the same file.
enum CandleArchive {
  static let schema: AvroSchema = {
    let decimal = #"{"type":"bytes","logicalType":"decimal","precision":20,"scale":8}"#
    let prices = ["open", "high", "low", "close"].map { #"{"name":"\#($0)","type":\#(decimal)}"# }
    func optional(_ name: String, _ type: String) -> String {
      #"{"name":"\#(name)","type":["null",\#(type)],"default":null}"#
    }
    let fields =
      [
        #"{"name":"venue","type":"string","default":""}"#, #"{"name":"symbol","type":"string","default":""}"#,
        #"{"name":"open_time","type":{"type":"long","logicalType":"timestamp-micros"}}"#,
      ] + prices + [
        optional("volume", decimal), optional("quote_volume", decimal), optional("trades", #""long""#),
        optional("taker_buy_base", decimal), optional("taker_buy_quote", decimal),
      ]
    return AvroSchema(
      own: #"{"type":"record","name":"Candle","namespace":"candlecast","fields":[\#(fields.joined(separator: ","))]}"#)
  }()

  private static let names = schema.fieldNames

  static func value(_ candle: Candle, _ series: Series) -> AvroValue {
    .record([
      .text(series.venue.name), .text(series.symbol.name), AvroValue(candle.openTime), AvroValue(candle.open),
      AvroValue(candle.high), AvroValue(candle.low), AvroValue(candle.close), AvroValue(candle.volume),
      AvroValue(candle.quoteVolume), AvroValue(candle.trades), AvroValue(candle.takerBuyBase),
      AvroValue(candle.takerBuyQuote),
    ])
  }

  static func candle(_ value: AvroValue, else series: Series) throws(BadRecord) -> (Series, Candle) {
    let row = try ArchiveRow(value, names)
    let candle = Candle(
      openTime: try openTime(row), open: try row.decimal(3), high: try row.decimal(4), low: try row.decimal(5),
      close: try row.decimal(6), volume: try row.optionalDecimal(7), quoteVolume: try row.optionalDecimal(8),
      trades: try row.optionalInteger(9), takerBuyBase: try row.optionalDecimal(10),
      takerBuyQuote: try row.optionalDecimal(11))
    if let (rule, field) = candle.violation {
      throw BadRecord(reason: "\(field) of \(candle.openTime) breaks the rule: \(rule.rawValue)")
    }
    return (try row.series(venue: 0, symbol: 1, else: series), candle)
  }

  /// A plain `long` of another writer may be milliseconds: as microseconds it would lie before 1973.
  private static func openTime(_ row: ArchiveRow) throws(BadRecord) -> Timestamp {
    let value = try row.integer(2)
    return value.magnitude < 100_000_000_000_000 ? try row.milliseconds(2) : try row.time(2)
  }
}
